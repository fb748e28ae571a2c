//! What the tests share: a running Fuente with two tenants, and clients for its people.
