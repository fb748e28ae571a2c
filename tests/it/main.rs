//! One test binary that mirrors the API. It starts one Fuente on real parts (Postgres, Qdrant's
//! engine, the embedding model) and asks it over HTTP.

mod tidy;
