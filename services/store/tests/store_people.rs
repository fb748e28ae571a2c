//! Credentials from their making to their end, and old answers under the rights of today.

mod common;

use common::{House, allow, code};
use fuente_contract::access::Who;
use fuente_contract::answer::{Candidate, Citation, Nearest, Reply, Trace, Usage, Verdict, quote_hash};
use fuente_contract::evidence::Scores;
use fuente_contract::ingest::Accepted;
use fuente_contract::search::{SearchTimings, Signals};
use fuente_contract::{Cursor, ErrorCode, PassageId, Role, TenantId};
use fuente_store::{
    NewKey, NewUser, api_keys, conversations, documents, libraries, messages, policies, sessions, sign_in, tenants,
    users,
};

#[tokio::test]
async fn people() {
    let house = House::open().await;
    passwords(&house).await;
    sessions_end_in_every_way(&house).await;
    keys_end_in_every_way(&house).await;
    old_answers_follow_the_rights_of_now(&house).await;
    house.close().await;
}

async fn passwords(house: &House) {
    let (company, other) = (house.company("passwords").await, house.company("elsewhere").await);
    let (system, store) = (house.system(), house.store());
    let new = NewUser {
        email: "Ann@Example.com ".to_owned(),
        name: "Ann".to_owned(),
        password: Some("correct horse".to_owned()),
        role: Role::Member,
        content_read: false,
    };
    let ann = users::create(&company.admin, store, new.clone()).await.unwrap();
    assert_eq!(
        code(users::create(&company.admin, store, new.clone()).await),
        ErrorCode::Conflict,
        "the address is taken"
    );
    users::create(&other.admin, store, new.clone()).await.expect("but not in another tenant");
    assert_eq!(
        code(
            users::create(
                &company.admin,
                store,
                NewUser { email: "b@example.com".to_owned(), password: Some("short".to_owned()), ..new }
            )
            .await
        ),
        ErrorCode::InvalidRequest
    );
    let sign_in = async |tenant: TenantId, email: &str, password: &str| {
        sign_in::password(&system, store, tenant, email, password).await.unwrap()
    };
    assert_eq!(sign_in(company.tenant, "ann@EXAMPLE.com", "correct horse").await, Some(ann.clone()));
    assert_eq!(sign_in(company.tenant, "ann@example.com", "correct horsf").await, None);
    assert_eq!(sign_in(company.tenant, "nobody@example.com", "correct horse").await, None);
    assert_eq!(sign_in(company.tenant, &company.root.email, "").await, None, "who has no password cannot use one");
    users::set_status(&company.admin, store, ann.id, false).await.unwrap();
    assert_eq!(sign_in(company.tenant, "ann@example.com", "correct horse").await, None, "shut out");
    users::set_status(&company.admin, store, ann.id, true).await.unwrap();
    tenants::disable(&system, store, company.tenant).await.unwrap();
    assert_eq!(sign_in(company.tenant, "ann@example.com", "correct horse").await, None, "the whole tenant is");
    assert_eq!(tenants::by_slug(&system, store, "passwords").await.unwrap(), None);
}

/// The token with another tenant's id in it.
fn forged(token: &str, tenant: TenantId) -> String {
    let parts: Vec<&str> = token.split('_').collect();
    format!("{}_{}_{}", parts[0], tenant.0.simple(), parts[2])
}

async fn sessions_end_in_every_way(house: &House) {
    let (company, other) = (house.company("sessions").await, house.company("sessions-2").await);
    let (system, store) = (house.system(), house.store());
    let person = house.person(&company, "pat", Role::Member, false).await;
    let scope = house.scope(company.tenant, &person);
    let valid =
        async |token: &str| sessions::check(&system, store, token).await.unwrap().map(|principal| principal.user.id);
    let token = sessions::open(&scope, store, 1, 8).await.unwrap();
    assert_eq!(valid(&token).await, Some(person.id));
    let swapped = token.replace("fs_", "fk_");
    for bad in [
        forged(&token, other.tenant),
        token.to_uppercase(),
        token[..token.len() - 1].to_owned(),
        format!("{token}0"),
        swapped.clone(),
        String::new(),
        "fs__".to_owned(),
        "fs_é_é".to_owned(),
    ] {
        assert_eq!(valid(&bad).await, None, "{bad}");
    }
    assert!(api_keys::check(&system, store, &swapped).await.unwrap().is_none());
    house
        .sql(&format!("UPDATE sessions SET seen_at = now() - interval '61 minutes' WHERE user_id = '{}'", person.id))
        .await;
    assert_eq!(valid(&token).await, None, "idle too long");
    let token = sessions::open(&scope, store, 1, 8).await.unwrap();
    house.sql(&format!("UPDATE sessions SET expires_at = now() WHERE user_id = '{}'", person.id)).await;
    assert_eq!(valid(&token).await, None, "older than it may grow");
    let (closed, kept) =
        (sessions::open(&scope, store, 1, 8).await.unwrap(), sessions::open(&scope, store, 1, 8).await.unwrap());
    sessions::close(&system, store, &closed).await.unwrap();
    assert_eq!((valid(&closed).await, valid(&kept).await), (None, Some(person.id)));
    users::set_status(&company.admin, store, person.id, false).await.unwrap();
    users::set_status(&company.admin, store, person.id, true).await.unwrap();
    assert_eq!(valid(&kept).await, None, "a session does not outlive a lock-out");
    let last = sessions::open(&scope, store, 1, 8).await.unwrap();
    tenants::disable(&system, store, company.tenant).await.unwrap();
    assert_eq!(valid(&last).await, None, "the tenant is shut out");
}

async fn keys_end_in_every_way(house: &House) {
    let (company, other) = (house.company("keys").await, house.company("keys-2").await);
    let (system, store, admin) = (house.system(), house.store(), &company.admin);
    let person = house.person(&company, "bot", Role::Member, false).await;
    let library = libraries::create(admin, store, "Library", "", vec![]).await.unwrap().id;
    let foreign = libraries::create(&other.admin, store, "Library", "", vec![]).await.unwrap().id;
    let new = NewKey {
        name: "bot".to_owned(),
        user: person.id,
        scopes: vec!["search".to_owned()],
        libraries: Some(vec![library]),
        expires_at: None,
    };
    assert_eq!(
        code(api_keys::create(admin, store, NewKey { libraries: Some(vec![library, foreign]), ..new.clone() }).await),
        ErrorCode::NotFound
    );
    assert_eq!(
        code(api_keys::create(&other.admin, store, NewKey { libraries: None, ..new.clone() }).await),
        ErrorCode::NotFound,
        "another tenant's user"
    );
    let valid = async |secret: &str| api_keys::check(&system, store, secret).await.unwrap();
    let (info, secret) = api_keys::create(admin, store, new.clone()).await.unwrap();
    let principal = valid(&secret).await.expect("a fresh key");
    assert_eq!((principal.user.id, principal.tenant, principal.credential_id), (person.id, company.tenant, info.id.0));
    assert_eq!(principal.key, Some((vec!["search".to_owned()], Some(vec![library]))));
    assert!(valid(&forged(&secret, other.tenant)).await.is_none());
    let listed = api_keys::list(admin, store, &Cursor::default()).await.unwrap().items;
    assert!(listed.len() == 1 && listed[0].last_used_at.is_some() && !listed[0].revoked);
    assert!(api_keys::list(&other.admin, store, &Cursor::default()).await.unwrap().items.is_empty());
    assert_eq!(code(api_keys::revoke(&other.admin, store, info.id).await), ErrorCode::NotFound);
    api_keys::revoke(admin, store, info.id).await.unwrap();
    assert!(valid(&secret).await.is_none(), "revoked");
    let (info, secret) = api_keys::create(admin, store, new.clone()).await.unwrap();
    house.sql(&format!("UPDATE api_keys SET expires_at = now() WHERE id = '{}'", info.id)).await;
    assert!(valid(&secret).await.is_none(), "expired");
    let (_, secret) = api_keys::create(admin, store, new).await.unwrap();
    users::set_status(admin, store, person.id, false).await.unwrap();
    assert!(valid(&secret).await.is_none(), "its user is shut out");
    users::set_status(admin, store, person.id, true).await.unwrap();
    assert!(valid(&secret).await.is_some());
    tenants::disable(&system, store, company.tenant).await.unwrap();
    assert!(valid(&secret).await.is_none(), "its tenant is shut out");
}

fn reply(tenant: TenantId, cited: Option<Accepted>, near: Option<Accepted>) -> Reply {
    let quote = "secret words";
    let citation = |from: Accepted| Citation {
        evidence: 1,
        sentence: 0,
        document: from.document,
        version: from.version,
        passage: PassageId::derive(tenant, from.document, from.version, 0),
        title: "Title".to_owned(),
        page: 1,
        char_start: 0,
        char_end: 12,
        quote: quote.to_owned(),
        quote_sha256: quote_hash(quote),
    };
    Reply {
        text: format!("It says: {quote}."),
        sentences: vec![],
        citations: cited.map(citation).into_iter().collect(),
        verdict: if cited.is_some() { Verdict::Grounded } else { Verdict::Insufficient },
        nearest: near
            .map(|near| Nearest { document: near.document, title: "Title".to_owned(), page: 1 })
            .into_iter()
            .collect(),
        lang: "en".to_owned(),
        trace: Trace {
            query: "words".to_owned(),
            lang: "en".to_owned(),
            epoch: 1,
            candidates: vec![],
            evidence: vec![],
            signals: Signals::default(),
            judged: None,
            written: vec![],
            abstained: None,
            prompt_sha256: String::new(),
            model: "test".to_owned(),
            model_sha256: String::new(),
            sampling: String::new(),
            seed: 1,
            search: SearchTimings::default(),
            usage: Usage::default(),
        },
    }
}

async fn old_answers_follow_the_rights_of_now(house: &House) {
    let company = house.company("answers").await;
    let (admin, store) = (&company.admin, house.store());
    let person = house.person(&company, "pat", Role::Member, false).await;
    let reader = house.scope(company.tenant, &person);
    let library = libraries::create(admin, store, "Library", "", vec![allow(Who::Everyone)]).await.unwrap().id;
    let one = house.upload(admin, library, "one", "one", None).await.unwrap();
    let two = house.upload(admin, library, "two", "two", None).await.unwrap();
    house.publish_all().await;
    let talk = conversations::create(&reader, store, "Talk").await.unwrap().id;
    messages::append(&reader, store, talk, "cites one", &reply(company.tenant, Some(one), None)).await.unwrap();
    let mut considered = reply(company.tenant, Some(two), None);
    considered.trace.candidates = [one, two]
        .map(|from| Candidate { passage: PassageId::fresh(), document: from.document, scores: Scores::default() })
        .to_vec();
    messages::append(&reader, store, talk, "cites two", &considered).await.unwrap();
    messages::append(&reader, store, talk, "is near one", &reply(company.tenant, None, Some(one))).await.unwrap();
    let withheld = async || {
        let turns = messages::list(&reader, store, talk).await.unwrap();
        assert!(turns.iter().all(|turn| turn.withheld == turn.reply.is_none()), "withheld means no word of it");
        turns.iter().map(|turn| turn.withheld).collect::<Vec<_>>()
    };
    assert_eq!(withheld().await, [false, false, false]);
    assert_eq!(
        code(messages::list(admin, store, talk).await),
        ErrorCode::NotFound,
        "an administrator does not read along"
    );
    assert_eq!(
        code(messages::append(admin, store, talk, "?", &reply(company.tenant, None, None)).await),
        ErrorCode::NotFound
    );
    assert_eq!(code(conversations::delete(admin, store, talk).await), ErrorCode::NotFound);
    policies::set_own(admin, store, one.document, Some(vec![allow(Who::User(admin.user()))])).await.unwrap();
    assert_eq!(withheld().await, [true, false, true], "revoked");
    let traced =
        async || messages::list(&reader, store, talk).await.unwrap()[1].reply.as_ref().unwrap().trace.candidates.len();
    assert_eq!(traced().await, 1, "what was only considered leaves the trace");
    policies::set_own(admin, store, one.document, None).await.unwrap();
    assert_eq!(withheld().await, [false, false, false], "and given back");
    assert_eq!(traced().await, 2);
    let (receipt, _) = documents::delete(admin, store, one.document).await.unwrap();
    assert_eq!(receipt.citations, 1);
    assert_eq!(withheld().await, [true, false, true], "deleted");
    let left: Vec<(Option<String>, String)> = sqlx::query_as(
        "SELECT quote, reply::text FROM messages JOIN message_citations ON message_id = id WHERE document_id = $1",
    )
    .bind(one.document.0)
    .fetch_all(&mut house.superuser().await)
    .await
    .unwrap();
    assert_eq!(left, [(None, "null".to_owned())], "quote and answer are erased, not only hidden");
    // An answer that was being made meanwhile keeps nothing of the document either.
    let late = messages::append(&reader, store, talk, "late", &reply(company.tenant, Some(one), None)).await.unwrap();
    let turns = messages::list(&reader, store, talk).await.unwrap();
    assert!(turns.iter().any(|turn| turn.id == late && turn.withheld && turn.reply.is_none()));
    let quotes: i64 = sqlx::query_scalar("SELECT count(*) FROM message_citations WHERE message_id = $1")
        .bind(late.0)
        .fetch_one(&mut house.superuser().await)
        .await
        .unwrap();
    assert_eq!(quotes, 0);
    let stored: String = sqlx::query_scalar("SELECT reply::text FROM messages WHERE id = $1")
        .bind(late.0)
        .fetch_one(&mut house.superuser().await)
        .await
        .unwrap();
    assert_eq!(stored, "null");
    conversations::delete(&reader, store, talk).await.unwrap();
    assert_eq!(code(messages::list(&reader, store, talk).await), ErrorCode::NotFound);
}
