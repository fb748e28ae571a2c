-- What the uploader says of a document beside its text: a small object of strings, bounded by the
-- service, shown to whoever sees the document and usable as a filter of lists.
ALTER TABLE documents ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object');

-- The state of a document is that of its newest job.
CREATE INDEX ON ingest_jobs (tenant_id, document_id);
-- What follows many jobs at once looks for those that changed.
CREATE INDEX ON ingest_jobs (tenant_id, updated_at);
