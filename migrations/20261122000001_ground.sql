-- Tenants, people, rights, documents, jobs, conversations.
-- Every table with tenant data: tenant_id first in every key, row-level security forced, and a
-- policy that denies where no tenant is set (current_setting gives NULL or '').

CREATE FUNCTION fuente_tenant() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('fuente.tenant', true), '')::uuid $$;
CREATE FUNCTION fuente_user() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('fuente.user', true), '')::uuid $$;
CREATE FUNCTION fuente_manages() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT coalesce(current_setting('fuente.access', true), '') = 'manage' $$;
CREATE FUNCTION fuente_system() RETURNS boolean LANGUAGE sql STABLE AS
$$ SELECT coalesce(current_setting('fuente.system', true), '') = 'on' $$;

CREATE TABLE tenants (
    tenant_id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    acl_epoch bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    email text NOT NULL CHECK (email = lower(email)),
    name text NOT NULL,
    password_hash text,
    role text NOT NULL CHECK (role IN ('member', 'auditor', 'admin')),
    content_read boolean NOT NULL DEFAULT false,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);

CREATE TABLE groups (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE group_members (
    tenant_id uuid NOT NULL REFERENCES tenants,
    group_id uuid NOT NULL,
    member_user uuid,
    member_group uuid,
    CHECK (num_nonnulls(member_user, member_group) = 1),
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, member_user) REFERENCES users ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, member_group) REFERENCES groups ON DELETE CASCADE,
    UNIQUE NULLS NOT DISTINCT (tenant_id, group_id, member_user, member_group)
);
CREATE INDEX ON group_members (tenant_id, member_user);
CREATE INDEX ON group_members (tenant_id, member_group);

CREATE TABLE sessions (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    idle_hours integer NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

CREATE TABLE api_keys (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    libraries uuid[],
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, secret_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

-- A library's policy has a stable id and mutable rules; a document's own policy is immutable and
-- named by the hash of its rules. The tag is what the vectors carry.
CREATE TABLE policies (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    tag bigint GENERATED ALWAYS AS IDENTITY,
    content_hash bytea,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, tag),
    UNIQUE (tenant_id, content_hash)
);

CREATE TABLE policy_rules (
    tenant_id uuid NOT NULL REFERENCES tenants,
    policy_id uuid NOT NULL,
    ordinal integer NOT NULL,
    effect text NOT NULL CHECK (effect IN ('allow', 'deny')),
    everyone boolean NOT NULL DEFAULT false,
    user_id uuid,
    groups integer NOT NULL DEFAULT 0 CHECK (groups >= 0),
    CHECK ((everyone)::integer + (user_id IS NOT NULL)::integer + (groups > 0)::integer = 1),
    PRIMARY KEY (tenant_id, policy_id, ordinal),
    FOREIGN KEY (tenant_id, policy_id) REFERENCES policies ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users
);

-- One row per group of an all_of rule. A group in a rule cannot be deleted: a deny rule would
-- silently stop matching.
CREATE TABLE policy_rule_groups (
    tenant_id uuid NOT NULL REFERENCES tenants,
    policy_id uuid NOT NULL,
    ordinal integer NOT NULL,
    group_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, policy_id, ordinal, group_id),
    FOREIGN KEY (tenant_id, policy_id, ordinal) REFERENCES policy_rules ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, group_id) REFERENCES groups ON DELETE RESTRICT
);
CREATE INDEX ON policy_rule_groups (tenant_id, group_id);

CREATE TABLE libraries (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    policy_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name),
    FOREIGN KEY (tenant_id, policy_id) REFERENCES policies
);

CREATE TABLE documents (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    library_id uuid NOT NULL,
    external_id text NOT NULL,
    title text NOT NULL,
    title_given boolean NOT NULL,
    owner_id uuid NOT NULL,
    own_policy uuid,
    effective_policy uuid NOT NULL,
    current_version uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, library_id, external_id),
    FOREIGN KEY (tenant_id, library_id) REFERENCES libraries,
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users,
    FOREIGN KEY (tenant_id, own_policy) REFERENCES policies,
    FOREIGN KEY (tenant_id, effective_policy) REFERENCES policies
);
CREATE INDEX ON documents (tenant_id, effective_policy);

CREATE TABLE document_versions (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    document_id uuid NOT NULL,
    ordinal integer NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'live', 'superseded', 'failed')),
    blob_key text NOT NULL,
    bytes bigint NOT NULL,
    content_hash bytea NOT NULL,
    file_name text NOT NULL,
    mime text NOT NULL,
    text text,
    pages jsonb,
    lang text,
    embedder text,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, document_id, ordinal),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
);
ALTER TABLE documents ADD FOREIGN KEY (tenant_id, current_version) REFERENCES document_versions (tenant_id, id)
    DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE passages (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    document_id uuid NOT NULL,
    version_id uuid NOT NULL,
    ordinal integer NOT NULL,
    char_start integer NOT NULL,
    char_end integer NOT NULL CHECK (char_end > char_start),
    page_from integer NOT NULL,
    page_to integer NOT NULL,
    heading text[] NOT NULL,
    text text NOT NULL,
    text_hash bytea NOT NULL,
    lang text NOT NULL,
    tokens integer NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, version_id, ordinal),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, version_id) REFERENCES document_versions ON DELETE CASCADE
);

CREATE TABLE ingest_jobs (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    document_id uuid NOT NULL,
    version_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'dead', 'cancelled')),
    stage text NOT NULL DEFAULT 'extract',
    attempt integer NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    worker text,
    pages integer NOT NULL DEFAULT 0,
    passages_done integer NOT NULL DEFAULT 0,
    passages_total integer NOT NULL DEFAULT 0,
    percent integer NOT NULL DEFAULT 0,
    error text,
    advice text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, version_id) REFERENCES document_versions ON DELETE CASCADE
);
CREATE INDEX ON ingest_jobs (state, run_at);

CREATE TABLE conversations (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users ON DELETE CASCADE
);

CREATE TABLE messages (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    question text NOT NULL,
    reply jsonb NOT NULL,
    -- Every document whose text went into the answer or its trace: re-checked at each opening.
    documents uuid[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE INDEX ON messages USING gin (documents);

CREATE TABLE message_citations (
    tenant_id uuid NOT NULL REFERENCES tenants,
    message_id uuid NOT NULL,
    ordinal integer NOT NULL,
    document_id uuid NOT NULL,
    version_id uuid NOT NULL,
    passage_id uuid NOT NULL,
    char_start integer NOT NULL,
    char_end integer NOT NULL,
    -- Erased where the document is deleted.
    quote text,
    quote_sha256 text NOT NULL,
    page integer NOT NULL,
    PRIMARY KEY (tenant_id, message_id, ordinal),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages ON DELETE CASCADE
);
CREATE INDEX ON message_citations (tenant_id, document_id);
