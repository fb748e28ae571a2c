-- What is deleted for readers but not yet from the index and the disk. The row is written in the
-- transaction that deletes, and worked off until nothing is left, so that no failure or crash
-- after that commit leaves anything behind. An upload writes one for its file before the first
-- byte, and takes it back where the file becomes a version.
CREATE TABLE deletions (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    -- Whose vectors: of one version where it is named, else of the whole document, else none.
    document_id uuid,
    version_id uuid,
    blob_keys text[] NOT NULL DEFAULT '{}',
    run_at timestamptz NOT NULL,
    -- Until then a worker may still write vectors: a round before it is not the last.
    settled_at timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON deletions (run_at);

-- Claimed across tenants, like jobs; everything else happens inside the tenant.
CREATE POLICY tenant ON deletions
    USING (fuente_system() OR (tenant_id = fuente_tenant() AND fuente_manages()))
    WITH CHECK (tenant_id = fuente_tenant() AND fuente_manages());
ALTER TABLE deletions ENABLE ROW LEVEL SECURITY;
ALTER TABLE deletions FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON deletions TO fuente_app;

-- The title that stands in the file: the document takes it when the version is published.
ALTER TABLE document_versions ADD COLUMN own_title text;
