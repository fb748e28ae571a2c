-- Who is shut out reads nothing at all, not even what is theirs alone.

CREATE OR REPLACE FUNCTION fuente_unruled_policies() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT id FROM policies WHERE tenant_id = fuente_tenant()
    AND EXISTS (SELECT 1 FROM users WHERE users.tenant_id = fuente_tenant() AND users.id = fuente_user() AND users.active)
    AND NOT EXISTS (SELECT 1 FROM policy_rules rule WHERE rule.tenant_id = policies.tenant_id AND rule.policy_id = policies.id)
$$;
