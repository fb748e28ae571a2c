-- What belongs to a conversation is its user's, in the database too; and a reader's transaction
-- cannot write what rights are decided by, whatever statement reaches it.

-- Erasing a deleted document's text from everybody's answers is management.
ALTER POLICY tenant ON messages
    USING (tenant_id = fuente_tenant() AND (fuente_manages() OR EXISTS (
        SELECT 1 FROM conversations WHERE conversations.tenant_id = messages.tenant_id AND conversations.id = messages.conversation_id)))
    WITH CHECK (tenant_id = fuente_tenant() AND (fuente_manages() OR EXISTS (
        SELECT 1 FROM conversations WHERE conversations.tenant_id = messages.tenant_id AND conversations.id = messages.conversation_id)));
ALTER POLICY tenant ON message_citations
    USING (tenant_id = fuente_tenant() AND (fuente_manages() OR EXISTS (
        SELECT 1 FROM messages WHERE messages.tenant_id = message_citations.tenant_id AND messages.id = message_citations.message_id)))
    WITH CHECK (tenant_id = fuente_tenant() AND (fuente_manages() OR EXISTS (
        SELECT 1 FROM messages WHERE messages.tenant_id = message_citations.tenant_id AND messages.id = message_citations.message_id)));
CREATE INDEX ON messages (tenant_id, conversation_id);
CREATE INDEX ON conversations (tenant_id, user_id);

-- A user opens and ends sessions of their own; nobody sees another's but the door.
ALTER POLICY tenant ON sessions
    USING (tenant_id = fuente_tenant() AND (fuente_manages() OR user_id = fuente_user()))
    WITH CHECK (tenant_id = fuente_tenant() AND (fuente_manages() OR user_id = fuente_user()));

ALTER POLICY tenant ON tenants
    WITH CHECK (fuente_system() OR (tenant_id = fuente_tenant() AND fuente_manages()));
ALTER POLICY tenant ON ingest_jobs WITH CHECK (tenant_id = fuente_tenant() AND fuente_manages());
CREATE POLICY erase ON tenants AS RESTRICTIVE FOR DELETE USING (tenant_id = fuente_tenant() AND fuente_system());

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['users', 'groups', 'group_members', 'api_keys', 'policies', 'policy_rules',
        'policy_rule_groups', 'libraries'] LOOP
        EXECUTE format('ALTER POLICY tenant ON %I WITH CHECK (tenant_id = fuente_tenant() AND fuente_manages())', name);
    END LOOP;
    -- WITH CHECK says nothing of deletes: what a reader may see, a reader may not remove.
    FOREACH name IN ARRAY ARRAY['users', 'groups', 'group_members', 'api_keys', 'policies', 'policy_rules',
        'policy_rule_groups', 'libraries', 'documents', 'document_versions', 'passages', 'ingest_jobs'] LOOP
        EXECUTE format('CREATE POLICY erase ON %I AS RESTRICTIVE FOR DELETE USING (tenant_id = fuente_tenant() AND fuente_manages())', name);
    END LOOP;
END $$;
