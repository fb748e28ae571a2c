//! The walls in the database: what the catalog says of them, and that nothing seeps through.

mod common;

use common::{Company, House, allow, code, folder, options};
use fuente_contract::access::Who;
use fuente_contract::{Cursor, ErrorCode};
use fuente_store::{
    NewKey, StoreOptions, api_keys, conversations, deletions, documents, groups, libraries, open, sessions, tenants,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

#[tokio::test]
async fn walls() {
    let house = House::open().await;
    let (one, two) = (filled(&house, "one").await, filled(&house, "two").await);
    the_catalog_has_no_hole(&house).await;
    without_a_context_there_is_nothing(&house).await;
    one_tenant_cannot_touch_the_other(&house, &one, &two).await;
    a_reader_writes_no_rights(&house, &one).await;
    a_conversation_is_its_users(&house, &one).await;
    contexts_do_not_bleed(&house, &one, &two).await;
    powerful_roles_are_refused(&house).await;
    an_external_postgres_is_set_up(&house).await;
    house.close().await;
}

/// A tenant with a row in every table.
async fn filled(house: &House, slug: &str) -> Company {
    let company = house.company(slug).await;
    let (admin, store) = (&company.admin, house.store());
    let group = groups::create(admin, store, "Everyone here").await.unwrap();
    groups::add_user(admin, store, group.id, company.root.id).await.unwrap();
    let rules = vec![allow(Who::Everyone), allow(Who::AllOf(vec![group.id]))];
    let library = libraries::create(admin, store, "Handbook", "", rules).await.unwrap();
    let secret = NewKey {
        name: "key".to_owned(),
        user: company.root.id,
        scopes: vec!["search".to_owned()],
        libraries: None,
        expires_at: None,
    };
    api_keys::create(admin, store, secret).await.unwrap();
    sessions::open(admin, store, 1, 1).await.unwrap();
    house.upload(admin, library.id, slug, "bytes", None).await.unwrap();
    house.publish_all().await;
    deletions::reserve(admin, store, "a/key").await.unwrap();
    let conversation = conversations::create(admin, store, "Questions").await.unwrap();
    house
        .sql(&format!(
            "INSERT INTO messages SELECT tenant_id, gen_random_uuid(), id, 'why?', 'null', '{{}}', now() FROM conversations WHERE id = '{}';
             INSERT INTO message_citations SELECT m.tenant_id, m.id, 0, p.document_id, p.version_id, p.id, 0, 1, 'T', 'x', 1
             FROM messages m JOIN passages p USING (tenant_id) WHERE m.conversation_id = '{}';
             INSERT INTO side_indexes SELECT tenant_id, 'another@1' FROM conversations WHERE id = '{}';
             INSERT INTO next_vectors SELECT p.tenant_id, p.id, 'another@1', 'x', 'x', 'x' FROM conversations c
             JOIN passages p USING (tenant_id) WHERE c.id = '{}'",
            conversation.id, conversation.id, conversation.id, conversation.id
        ))
        .await;
    company
}

async fn names(connection: &mut PgConnection, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(connection).await.expect(query)
}

async fn tables(house: &House) -> Vec<String> {
    names(&mut house.superuser().await, "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> '_sqlx_migrations' ORDER BY 1").await
}

/// Each query lists offenders; there are none.
async fn the_catalog_has_no_hole(house: &House) {
    assert!(tables(house).await.len() >= 18, "the query finds the tables");
    let offenders: [(&str, &'static str); 11] = [
        // Deletions are not even seen by a reader.
        ("tables that a reader's transaction may write, beyond what is the reader's own", "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
             AND relname NOT IN ('_sqlx_migrations', 'conversations', 'messages', 'message_citations', 'sessions', 'deletions')
             AND NOT (EXISTS (SELECT 1 FROM pg_policies WHERE tablename = relname AND cmd = 'ALL' AND (with_check LIKE '%fuente_manages()%' OR with_check LIKE '%fuente_system()%'))
                  AND EXISTS (SELECT 1 FROM pg_policies WHERE tablename = relname AND cmd = 'DELETE' AND permissive = 'RESTRICTIVE' AND (qual LIKE '%fuente_manages()%' OR qual LIKE '%fuente_system()%')))"),
        ("tables that rights depend on without the trigger that raises the epoch", "SELECT name FROM unnest(ARRAY['group_members', 'policies', 'policy_rules', 'policy_rule_groups', 'users', 'libraries', 'documents']) name
             WHERE NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = name::regclass AND tgname = 'epoch' AND tgenabled = 'O' AND tgtype & 24 = 24)"),
        ("tables whose rows belong to nobody, or without forced row-level security", "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> '_sqlx_migrations'
             AND NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'tenant_id' AND attnotnull))"),
        ("tables without a policy", "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> '_sqlx_migrations'
             AND NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = pg_class.oid)"),
        ("policies that do not ask the tenant both ways", "SELECT tablename || '.' || policyname FROM pg_policies WHERE qual NOT LIKE '%fuente_tenant()%' OR qual IS NULL
             OR NOT (cmd = 'DELETE' AND permissive = 'RESTRICTIVE') AND (with_check IS NULL OR with_check NOT LIKE '%fuente_tenant()%' OR cmd <> 'ALL')"),
        ("keys that do not start with the tenant", "SELECT conrelid::regclass || '.' || conname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
             WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f') AND conrelid <> '_sqlx_migrations'::regclass AND attname <> 'tenant_id'
               AND conname <> 'tenants_slug_key'"),
        ("unique indexes that do not", "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
             WHERE relnamespace = 'public'::regnamespace AND indisunique AND relname <> '_sqlx_migrations' AND attname <> 'tenant_id' AND indexrelid <> 'tenants_slug_key'::regclass"),
        ("foreign keys whose target does not", "SELECT conname::text FROM pg_constraint JOIN pg_attribute ON attrelid = confrelid AND attnum = confkey[1]
             WHERE connamespace = 'public'::regnamespace AND contype = 'f' AND attname <> 'tenant_id'"),
        ("functions that run as their owner", "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"),
        ("views that run as their owner", "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
             AND (relkind = 'm' OR relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY(reloptions), false))"),
        ("powers of the serving role", "SELECT 'attributes' FROM pg_roles WHERE rolname = 'fuente_app' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
             UNION ALL SELECT 'owns ' || objid FROM pg_shdepend WHERE refobjid = 'fuente_app'::regrole AND deptype = 'o'
             UNION ALL SELECT 'member of ' || roleid::regrole FROM pg_auth_members WHERE member = 'fuente_app'::regrole
             UNION ALL SELECT 'may create' WHERE has_schema_privilege('fuente_app', 'public', 'CREATE')
             UNION ALL SELECT 'may truncate ' || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND has_table_privilege('fuente_app', oid, 'TRUNCATE')
             UNION ALL SELECT 'reads migrations' WHERE has_table_privilege('fuente_app', '_sqlx_migrations', 'SELECT')"),
    ];
    let mut connection = house.superuser().await;
    for (what, query) in offenders {
        assert_eq!(names(&mut connection, query).await, Vec::<String>::new(), "{what}");
    }
}

async fn counts(connection: &mut PgConnection, tables: &[String]) -> Vec<(String, i64)> {
    let mut counts = Vec::new();
    for table in tables {
        let count = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&mut *connection)
            .await
            .expect("a count");
        counts.push((table.clone(), count));
    }
    counts
}

async fn without_a_context_there_is_nothing(house: &House) {
    let tables = tables(house).await;
    for (table, rows) in counts(&mut house.superuser().await, &tables).await {
        assert!(rows > 0, "{table} holds rows, so that seeing none means something");
    }
    let none: Vec<(String, i64)> = tables.iter().map(|table| (table.clone(), 0)).collect();
    let mut app = house.connect("fuente_app", "app").await;
    assert_eq!(counts(&mut app, &tables).await, none, "on a fresh connection");
    let set = "SELECT set_config('fuente.tenant', (SELECT NULL::text), true)";
    app.execute(set).await.unwrap();
    assert_eq!(counts(&mut app, &tables).await, none, "with nothing for a tenant");
    for text in ["''", "'00000000-0000-0000-0000-000000000000'"] {
        let mut tx = app.begin().await.unwrap();
        tx.execute(AssertSqlSafe(format!(
            "SELECT set_config('fuente.tenant', {text}, true), set_config('fuente.access', 'manage', true)"
        )))
        .await
        .unwrap();
        assert_eq!(counts(&mut tx, &tables).await, none, "with {text} for a tenant");
        tx.commit().await.unwrap();
    }
    assert_eq!(counts(&mut app, &tables).await, none, "on a used connection");
}

async fn one_tenant_cannot_touch_the_other(house: &House, one: &Company, two: &Company) {
    let mut app = house.connect("fuente_app", "app").await;
    for table in tables(house).await {
        let mut tx = app.begin().await.unwrap();
        tx.execute(AssertSqlSafe(format!("SELECT set_config('fuente.tenant', '{}', true), set_config('fuente.user', '{}', true), set_config('fuente.access', 'manage', true)", one.tenant, one.root.id))).await.unwrap();
        for statement in [
            format!("UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = '{}'", two.tenant),
            format!("DELETE FROM {table} WHERE tenant_id = '{}'", two.tenant),
        ] {
            assert_eq!(
                tx.execute(AssertSqlSafe(statement.clone())).await.expect("no row, no fault").rows_affected(),
                0,
                "{statement}"
            );
        }
        let moved = tx.execute(AssertSqlSafe(format!("UPDATE {table} SET tenant_id = '{}'", two.tenant))).await;
        let refused = moved
            .expect_err("rows cannot be given away")
            .as_database_error()
            .and_then(|error| error.code().map(|code| code.to_string()));
        assert_eq!(refused.as_deref(), Some("42501"), "{table}");
        tx.rollback().await.unwrap();
    }
}

/// Polls a future so many times at most, then drops it where it stands.
async fn ended_within(future: impl Future, polls: u64) -> bool {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| match (future.as_mut().poll(context), left) {
        (Poll::Ready(_), _) => Poll::Ready(true),
        (Poll::Pending, 0) => Poll::Ready(false),
        (Poll::Pending, _) => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// A transaction as `Store::begin` makes it for a reader.
async fn reader(house: &House, company: &Company, user: &str) -> PgConnection {
    let mut connection = house.connect("fuente_app", "app").await;
    connection.execute("BEGIN").await.unwrap();
    sqlx::query("SELECT set_config('fuente.tenant', $1, true), set_config('fuente.user', $2, true)")
        .bind(company.tenant.to_string())
        .bind(user)
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

/// Even a statement that should not be there changes nothing that rights are decided by.
async fn a_reader_writes_no_rights(house: &House, company: &Company) {
    let root = company.root.id.to_string();
    let written = [
        "users",
        "groups",
        "group_members",
        "api_keys",
        "policies",
        "policy_rules",
        "policy_rule_groups",
        "libraries",
        "documents",
        "document_versions",
        "passages",
        "ingest_jobs",
        "tenants",
    ];
    for table in written {
        let mut connection = reader(house, company, &root).await;
        let seen = counts(&mut connection, &[table.to_owned()]).await;
        assert!(seen[0].1 > 0, "{table} is seen by its reader, so that keeping it means something");
        let removed = connection.execute(AssertSqlSafe(format!("DELETE FROM {table}"))).await;
        assert_eq!(removed.map(|done| done.rows_affected()).unwrap_or(0), 0, "{table}");
        let mut connection = reader(house, company, &root).await;
        let column = match table {
            "policies" => "content_hash",
            "group_members" | "policy_rule_groups" => "group_id",
            _ => "tenant_id",
        };
        let changed = connection.execute(AssertSqlSafe(format!("UPDATE {table} SET {column} = {column}"))).await;
        assert_eq!(changed.map(|done| done.rows_affected()).unwrap_or(0), 0, "{table}");
    }
    for addition in [
        "INSERT INTO group_members (tenant_id, group_id, member_user) SELECT tenant_id, gen_random_uuid(), id FROM users",
        "INSERT INTO groups (tenant_id, id, name) SELECT tenant_id, gen_random_uuid(), 'mine' FROM tenants",
        "INSERT INTO policies (tenant_id, id) SELECT tenant_id, gen_random_uuid() FROM tenants",
        "INSERT INTO sessions SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), 'x', 1, now(), now() FROM tenants",
    ] {
        let refused = reader(house, company, &root).await.execute(addition).await.map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("row-level security"), "{addition}: {refused}");
    }
}

/// A colleague sees no conversation, and so no message, citation or session of it.
async fn a_conversation_is_its_users(house: &House, company: &Company) {
    let own: Vec<String> =
        ["conversations", "messages", "message_citations", "sessions"].map(str::to_owned).into_iter().collect();
    let colleague = house.person(company, "colleague", fuente_contract::Role::Member, false).await;
    let mut theirs = reader(house, company, &company.root.id.to_string()).await;
    assert!(counts(&mut theirs, &own).await.iter().all(|(_, rows)| *rows > 0), "its user sees it");
    let mut other = reader(house, company, &colleague.id.to_string()).await;
    assert!(counts(&mut other, &own).await.iter().all(|(_, rows)| *rows == 0), "nobody else does");
    let added =
        "INSERT INTO messages SELECT $1, gen_random_uuid(), id, '?', 'null', '{}', now() FROM unnest($2::uuid[]) id";
    let conversations: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT id FROM conversations").fetch_all(&mut theirs).await.unwrap();
    let query = sqlx::query(added).bind(company.tenant.0).bind(conversations);
    let refused = query.execute(&mut other).await.map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("row-level security"), "{refused}");
}

/// One connection, two tenants, 500 turns, some given up on the way: each sees its own and no more.
async fn contexts_do_not_bleed(house: &House, one: &Company, two: &Company) {
    let narrow = open(&StoreOptions { max_connections: 1, ..options(house.folder.path()) })
        .await
        .expect("a second opening attaches");
    assert!(!narrow.postgres.as_ref().unwrap().supervises(), "the server belongs to the first");
    let mut given_up = 0;
    for turn in 0..500_u64 {
        let (own, slug) = if turn % 2 == 0 { (one, "one") } else { (two, "two") };
        if turn % 5 == 0 {
            let other = if turn % 2 == 0 { two } else { one };
            let first = Cursor::default();
            let pending = documents::list(&other.admin, &narrow.store, None, &first);
            given_up += u32::from(!ended_within(pending, turn / 5 % 8).await);
        }
        let seen = documents::list(&own.admin, &narrow.store, None, &Cursor::default()).await.unwrap();
        let names: Vec<&str> = seen.items.iter().map(|document| document.external_id.as_str()).collect();
        assert_eq!(names, [slug], "turn {turn}");
    }
    assert!(given_up >= 12, "some were given up on the way: {given_up}");
    narrow.close().await.unwrap();
}

async fn powerful_roles_are_refused(house: &House) {
    let folder = folder();
    let external = |url: String, migrator_url: Option<String>| StoreOptions {
        embedded: false,
        url: Some(url),
        migrator_url,
        ..options(folder.path())
    };
    let app = house.url("fuente_app", "app");
    open(&external(app.clone(), None)).await.expect("the right role is served").close().await.unwrap();
    for (user, role) in [("fuente_migrator", "migrator"), ("postgres", "superuser")] {
        for migrator in [None, Some(house.url("fuente_migrator", "migrator"))] {
            let refused = open(&external(house.url(user, role), migrator)).await.map(|_| ());
            assert_eq!(code(refused), ErrorCode::InvalidRequest, "{user}");
        }
    }
    for (give, take) in [
        ("GRANT fuente_migrator TO fuente_app", "REVOKE fuente_migrator FROM fuente_app"),
        ("ALTER ROLE fuente_app BYPASSRLS", "ALTER ROLE fuente_app NOBYPASSRLS"),
        ("CREATE VIEW peep AS SELECT 1 AS one; ALTER VIEW peep OWNER TO fuente_app", "DROP VIEW peep"),
    ] {
        house.sql(give).await;
        assert_eq!(code(open(&external(app.clone(), None)).await.map(|_| ())), ErrorCode::InvalidRequest, "{give}");
        house.sql(take).await;
    }
    open(&external(app, None)).await.expect("served again").close().await.unwrap();
}

/// A database of somebody else's, without our role: the owner's login makes it.
async fn an_external_postgres_is_set_up(house: &House) {
    house.sql("CREATE DATABASE external").await;
    house.sql("ALTER ROLE fuente_app RENAME TO aside").await;
    let port = house.postmaster().1;
    let owner = house.url("postgres", "superuser").replace("/fuente", "/external");
    let external = |user: &str| StoreOptions {
        embedded: false,
        url: Some(format!("postgres://{user}:it%27s%40home@127.0.0.1:{port}/external")),
        migrator_url: Some(owner.clone()),
        ..options(house.folder.path())
    };
    assert_eq!(code(open(&external("somebody")).await.map(|_| ())), ErrorCode::InvalidRequest);
    assert_eq!(
        names(&mut house.superuser().await, "SELECT rolname::text FROM pg_roles WHERE rolname = 'somebody'").await,
        Vec::<String>::new(),
        "a refused role is not made"
    );
    for opening in ["first", "second"] {
        let opened = open(&external("fuente_app")).await.expect(opening);
        assert_eq!(tenants::list(&house.system(), &opened.store).await.unwrap().len(), 0);
        opened.close().await.unwrap();
    }
    house.sql("DROP DATABASE external").await;
    house.sql("DROP ROLE fuente_app").await;
    house.sql("ALTER ROLE aside RENAME TO fuente_app").await;
}
