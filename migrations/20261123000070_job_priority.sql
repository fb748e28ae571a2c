-- Which jobs go first: what somebody waits for before what came in bulk.
ALTER TABLE ingest_jobs ADD COLUMN priority text NOT NULL DEFAULT 'interactive' CHECK (priority IN ('interactive', 'bulk'));
-- When a worker last began it: tenants take turns by it, and bulk gets its share by it.
ALTER TABLE ingest_jobs ADD COLUMN started_at timestamptz;

-- The oldest job of a tenant and a priority that may be due.
CREATE INDEX ON ingest_jobs (tenant_id, priority, run_at, id) WHERE state IN ('queued', 'running');
-- How many of a tenant's jobs run.
CREATE INDEX ON ingest_jobs (tenant_id) WHERE state = 'running';
-- Whose turn it was last, and when bulk was last begun.
CREATE INDEX ON ingest_jobs (tenant_id, started_at);
CREATE INDEX ON ingest_jobs (started_at) WHERE priority = 'bulk';
