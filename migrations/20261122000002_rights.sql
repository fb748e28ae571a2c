-- Who reads what (the rules of DESIGN §4), as functions that row-level security calls.
-- They run as the caller, so they see the caller's tenant and nothing else.

CREATE FUNCTION fuente_my_groups() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    WITH RECURSIVE mine (group_id) AS (
        SELECT group_id FROM group_members WHERE tenant_id = fuente_tenant() AND member_user = fuente_user()
        UNION
        SELECT outer_group.group_id FROM group_members outer_group
        JOIN mine ON outer_group.tenant_id = fuente_tenant() AND outer_group.member_group = mine.group_id
    )
    SELECT group_id FROM mine
$$;

-- Policies with a matching allow rule and no matching deny rule. Deny wins.
CREATE FUNCTION fuente_readable_policies() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    WITH mine AS MATERIALIZED (SELECT fuente_my_groups() AS group_id),
    held AS (
        SELECT policy_id, ordinal, count(*) AS groups FROM policy_rule_groups
        WHERE tenant_id = fuente_tenant() AND group_id IN (SELECT group_id FROM mine)
        GROUP BY policy_id, ordinal
    ),
    matching AS (
        SELECT rule.policy_id, rule.effect FROM policy_rules rule
        LEFT JOIN held ON held.policy_id = rule.policy_id AND held.ordinal = rule.ordinal
        WHERE rule.tenant_id = fuente_tenant()
          AND (rule.everyone OR rule.user_id = fuente_user() OR (rule.groups > 0 AND held.groups = rule.groups))
    )
    SELECT policy_id FROM matching
    WHERE EXISTS (SELECT 1 FROM users
                  WHERE tenant_id = fuente_tenant() AND id = fuente_user() AND active)
    GROUP BY policy_id
    HAVING bool_or(effect = 'allow') AND NOT bool_or(effect = 'deny')
$$;

-- Policies without a rule: their documents are their owners' alone.
CREATE FUNCTION fuente_unruled_policies() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT id FROM policies WHERE tenant_id = fuente_tenant()
    AND NOT EXISTS (SELECT 1 FROM policy_rules rule WHERE rule.tenant_id = policies.tenant_id AND rule.policy_id = policies.id)
$$;

CREATE FUNCTION fuente_reads_unruled() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM users WHERE tenant_id = fuente_tenant() AND id = fuente_user()
                   AND active AND role = 'admin' AND content_read)
$$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['users', 'groups', 'group_members', 'sessions', 'api_keys', 'policies',
        'policy_rules', 'policy_rule_groups', 'libraries', 'message_citations', 'messages'] LOOP
        EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = fuente_tenant()) WITH CHECK (tenant_id = fuente_tenant())', name);
    END LOOP;
END $$;

CREATE POLICY tenant ON tenants
    USING (tenant_id = fuente_tenant() OR fuente_system()) WITH CHECK (tenant_id = fuente_tenant() OR fuente_system());

-- Jobs are claimed across tenants; everything else of a job happens inside its tenant.
CREATE POLICY tenant ON ingest_jobs
    USING (tenant_id = fuente_tenant() OR fuente_system()) WITH CHECK (tenant_id = fuente_tenant());

CREATE POLICY reader ON documents
    USING (tenant_id = fuente_tenant() AND (
        fuente_manages()
        OR effective_policy IN (SELECT fuente_readable_policies())
        OR (effective_policy IN (SELECT fuente_unruled_policies())
            AND (owner_id = fuente_user() OR (SELECT fuente_reads_unruled())))))
    WITH CHECK (tenant_id = fuente_tenant() AND fuente_manages());

-- Versions and passages are read where their document is.
CREATE POLICY reader ON document_versions
    USING (tenant_id = fuente_tenant() AND (fuente_manages() OR EXISTS (
        SELECT 1 FROM documents WHERE documents.tenant_id = document_versions.tenant_id AND documents.id = document_versions.document_id)))
    WITH CHECK (tenant_id = fuente_tenant() AND fuente_manages());
CREATE POLICY reader ON passages
    USING (tenant_id = fuente_tenant() AND (fuente_manages() OR EXISTS (
        SELECT 1 FROM documents WHERE documents.tenant_id = passages.tenant_id AND documents.id = passages.document_id)))
    WITH CHECK (tenant_id = fuente_tenant() AND fuente_manages());

-- A conversation is its user's, whatever role asks.
CREATE POLICY own ON conversations
    USING (tenant_id = fuente_tenant() AND user_id = fuente_user())
    WITH CHECK (tenant_id = fuente_tenant() AND user_id = fuente_user());

DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> '_sqlx_migrations' LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO fuente_app', name);
    END LOOP;
END $$;

-- The epoch rises with every change of rights, whatever code makes it.
CREATE FUNCTION fuente_raise_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tenants SET acl_epoch = acl_epoch + 1 WHERE tenant_id = fuente_tenant();
    RETURN NULL;
END $$;

CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON group_members FOR EACH STATEMENT EXECUTE FUNCTION fuente_raise_epoch();
CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON policies FOR EACH STATEMENT EXECUTE FUNCTION fuente_raise_epoch();
CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON policy_rules FOR EACH STATEMENT EXECUTE FUNCTION fuente_raise_epoch();
CREATE TRIGGER epoch AFTER INSERT OR UPDATE OR DELETE ON policy_rule_groups FOR EACH STATEMENT EXECUTE FUNCTION fuente_raise_epoch();
CREATE TRIGGER epoch AFTER UPDATE OF active, role, content_read OR DELETE ON users FOR EACH STATEMENT EXECUTE FUNCTION fuente_raise_epoch();
CREATE TRIGGER epoch AFTER UPDATE OF policy_id OR DELETE ON libraries FOR EACH STATEMENT EXECUTE FUNCTION fuente_raise_epoch();
CREATE TRIGGER epoch AFTER UPDATE OF effective_policy, owner_id, library_id OR DELETE ON documents FOR EACH STATEMENT EXECUTE FUNCTION fuente_raise_epoch();
