-- What the embedding model made of a passage, kept so that it need not be made twice: a new version takes
-- over what did not change, an attempt goes on where the last one stopped, and lost points of the index
-- are written again without the model.
--   embedded_hash     of the model's id and the text it read (title and headings included)
--   dense             little-endian floats
--   sentence_vectors  packed, in the order of the passage's sentences
ALTER TABLE passages
    ADD COLUMN embedded_hash bytea,
    ADD COLUMN dense bytea,
    ADD COLUMN sentence_vectors bytea;
-- Also what a delete of a document and its foreign key look for.
CREATE INDEX ON passages (tenant_id, document_id, embedded_hash);

-- Of the passages done, those whose vectors were taken over.
ALTER TABLE ingest_jobs ADD COLUMN passages_reused integer NOT NULL DEFAULT 0;
