-- Which embedding model a tenant's passages are searched with, and the change from one to another while
-- everything goes on being searched.
--   embedder         id (name@hash) of the model whose index answers; NULL until the first job
--   wanted_embedder  id of the model that the ingest process which started last was told to use
ALTER TABLE tenants
    ADD COLUMN embedder text,
    ADD COLUMN wanted_embedder text;

-- An index in which a tenant may have points although another one answers: the next one while it is
-- built, the one before until it is cleared. Payload and deletions are written there too.
CREATE TABLE side_indexes (
    tenant_id uuid NOT NULL REFERENCES tenants,
    embedder text NOT NULL,
    -- Who builds or clears it, by lease and fence as with jobs.
    holder text,
    lease_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    passages_done bigint NOT NULL DEFAULT 0,
    passages_total bigint NOT NULL DEFAULT 0,
    -- Set when it is cleared for the first time: until then late writers may still come, and it is
    -- cleared once more.
    settled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, embedder)
);
-- Found across tenants, like jobs; everything else happens inside the tenant.
CREATE POLICY tenant ON side_indexes
    USING (fuente_system() OR (tenant_id = fuente_tenant() AND fuente_manages()))
    WITH CHECK (tenant_id = fuente_tenant() AND fuente_manages());
CREATE POLICY erase ON side_indexes AS RESTRICTIVE FOR DELETE USING (tenant_id = fuente_tenant() AND fuente_manages());

-- Vectors of the next model, as passages has them of the current one: kept as they are made, so that a
-- crash costs none, and taken over by the passages after the switch.
CREATE TABLE next_vectors (
    tenant_id uuid NOT NULL REFERENCES tenants,
    passage_id uuid NOT NULL,
    embedder text NOT NULL,
    embedded_hash bytea NOT NULL,
    dense bytea NOT NULL,
    sentence_vectors bytea NOT NULL,
    PRIMARY KEY (tenant_id, passage_id, embedder),
    FOREIGN KEY (tenant_id, passage_id) REFERENCES passages ON DELETE CASCADE
);
-- Until they are taken over a question's sentences are scored with them: read where the passage is.
CREATE POLICY reader ON next_vectors
    USING (tenant_id = fuente_tenant() AND (fuente_manages() OR EXISTS (
        SELECT 1 FROM passages WHERE passages.tenant_id = next_vectors.tenant_id AND passages.id = next_vectors.passage_id)))
    WITH CHECK (tenant_id = fuente_tenant() AND fuente_manages());
CREATE POLICY erase ON next_vectors AS RESTRICTIVE FOR DELETE USING (tenant_id = fuente_tenant() AND fuente_manages());

DO $$
DECLARE name text; tenant uuid;
BEGIN
    FOREACH name IN ARRAY ARRAY['side_indexes', 'next_vectors'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO fuente_app', name);
    END LOOP;
    -- Tenants that answer already do so with the model that made most of their versions.
    PERFORM set_config('fuente.system', 'on', true);
    FOR tenant IN SELECT tenant_id FROM tenants LOOP
        PERFORM set_config('fuente.tenant', tenant::text, true), set_config('fuente.access', 'manage', true);
        UPDATE tenants SET embedder = (
            SELECT mode() WITHIN GROUP (ORDER BY version.embedder) FROM documents
            JOIN document_versions version ON version.tenant_id = documents.tenant_id AND version.id = documents.current_version)
        WHERE tenant_id = tenant;
    END LOOP;
    PERFORM set_config('fuente.system', '', true), set_config('fuente.tenant', '', true), set_config('fuente.access', '', true);
END $$;
