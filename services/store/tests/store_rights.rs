//! Who reads what: random states of users, nested groups and rules, judged by a closure of our own
//! and the contract's pure rule, against everything the store says.

mod common;

use common::{Company, EMBEDDER, House, allow, code, deny};
use fuente_contract::access::{ReadFilter, Rule, Who, passes};
use fuente_contract::{Cursor, DocumentId, ErrorCode, GroupId, LibraryId, PassageId, Role, Scope, UserId};
use fuente_store::{UserInfo, access, documents, groups, libraries, passage_vectors, passages, policies, users};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeSet, HashMap, HashSet};

const STATES: u32 = 60;

#[tokio::test]
async fn rights() {
    let house = House::open().await;
    random_states_agree_with_the_oracle(&house).await;
    every_change_raises_the_epoch(&house).await;
    groups_in_rules_stay_and_circles_are_refused(&house).await;
    many_policies_are_all_heeded(&house).await;
    house.close().await;
}

struct Document {
    id: DocumentId,
    passage: PassageId,
    tag: i64,
    library: usize,
    owner: UserId,
    own: Option<Vec<Rule>>,
}

/// What the test believes; the store is told every change of it.
struct World {
    company: Company,
    people: Vec<UserInfo>,
    groups: Vec<GroupId>,
    users_in: HashSet<(usize, UserId)>,
    groups_in: HashSet<(usize, usize)>,
    libraries: Vec<(LibraryId, Vec<Rule>)>,
    documents: Vec<Document>,
}

impl World {
    async fn made(house: &House) -> Self {
        let company = house.company("oracle").await;
        let mut world = Self {
            people: vec![company.root.clone()],
            company,
            groups: Vec::new(),
            users_in: HashSet::new(),
            groups_in: HashSet::new(),
            libraries: Vec::new(),
            documents: Vec::new(),
        };
        for (name, role, content) in [
            ("ann", Role::Member, false),
            ("bob", Role::Member, true),
            ("cy", Role::Auditor, false),
            ("dot", Role::Admin, true),
            ("eve", Role::Admin, false),
        ] {
            let person = house.person(&world.company, name, role, content).await;
            world.people.push(person);
        }
        for number in 0..5 {
            let group = groups::create(&world.company.admin, house.store(), &format!("group {number}")).await.unwrap();
            world.groups.push(group.id);
        }
        for number in 0..3 {
            let library =
                libraries::create(&world.company.admin, house.store(), &format!("library {number}"), "", vec![])
                    .await
                    .unwrap();
            world.libraries.push((library.id, Vec::new()));
        }
        for number in 0..9 {
            let owner = world.people[if number % 2 == 0 { 4 } else { 5 }].clone();
            let scope = house.scope(world.company.tenant, &owner);
            let accepted = house
                .upload(&scope, world.libraries[number % 3].0, &format!("document {number}"), &number.to_string(), None)
                .await
                .unwrap();
            let passage = PassageId::derive(world.company.tenant, accepted.document, accepted.version, 0);
            world.documents.push(Document {
                id: accepted.document,
                passage,
                tag: 0,
                library: number % 3,
                owner: owner.id,
                own: None,
            });
        }
        house.publish_all().await;
        world
    }

    /// Every group the user is in, by walking up until nothing is new.
    fn closure(&self, user: UserId) -> HashSet<GroupId> {
        let mut inside: HashSet<usize> =
            self.users_in.iter().filter(|(_, member)| *member == user).map(|(group, _)| *group).collect();
        loop {
            let more: Vec<usize> = self
                .groups_in
                .iter()
                .filter(|(outer, inner)| inside.contains(inner) && !inside.contains(outer))
                .map(|(outer, _)| *outer)
                .collect();
            if more.is_empty() {
                return inside.into_iter().map(|group| self.groups[group]).collect();
            }
            inside.extend(more);
        }
    }

    fn reads(&self, person: &UserInfo, document: &Document) -> bool {
        let rules = document.own.as_ref().unwrap_or(&self.libraries[document.library].1);
        let alone =
            rules.is_empty() && (document.owner == person.id || person.role == Role::Admin && person.content_read);
        person.active && (alone || passes(rules, person.id, &self.closure(person.id)))
    }

    fn rules(&self, dice: &mut StdRng) -> Vec<Rule> {
        (0..dice.random_range(0..4))
            .map(|_| {
                let who = match dice.random_range(0..6) {
                    0 => Who::Everyone,
                    1 => Who::User(self.people[dice.random_range(0..self.people.len())].id),
                    _ => {
                        Who::AllOf((0..dice.random_range(1..4)).map(|_| self.groups[dice.random_range(0..5)]).collect())
                    }
                };
                if dice.random_bool(0.3) { deny(who) } else { allow(who) }
            })
            .collect()
    }

    /// One change, to the store and to the belief.
    async fn change(&mut self, house: &House, dice: &mut StdRng) {
        let (admin, store) = (self.company.admin.clone(), house.store());
        match dice.random_range(0..7) {
            0 | 1 => {
                let (group, person) = (dice.random_range(0..5), dice.random_range(0..self.people.len()));
                let key = (group, self.people[person].id);
                if self.users_in.remove(&key) {
                    groups::remove_user(&admin, store, self.groups[group], key.1).await.unwrap();
                } else {
                    self.users_in.insert(key);
                    groups::add_user(&admin, store, self.groups[group], key.1).await.unwrap();
                }
            }
            2 => {
                let (outer, inner) = (dice.random_range(0..5), dice.random_range(0..5));
                if self.groups_in.remove(&(outer, inner)) {
                    groups::remove_group(&admin, store, self.groups[outer], self.groups[inner]).await.unwrap();
                } else if groups::add_group(&admin, store, self.groups[outer], self.groups[inner]).await.is_ok() {
                    self.groups_in.insert((outer, inner));
                } else {
                    assert!(self.reaches(inner, outer), "only a circle is refused");
                }
            }
            3 => {
                let (library, rules) = (dice.random_range(0..3), self.rules(dice));
                libraries::set_rules(&admin, store, self.libraries[library].0, rules.clone()).await.unwrap();
                self.libraries[library].1 = rules;
            }
            4 | 5 => {
                let (document, rules) =
                    (dice.random_range(0..self.documents.len()), dice.random_bool(0.7).then(|| self.rules(dice)));
                policies::set_own(&admin, store, self.documents[document].id, rules.clone()).await.unwrap();
                self.documents[document].own = rules;
            }
            _ => {
                let person = dice.random_range(1..self.people.len());
                self.people[person].active = !self.people[person].active;
                users::set_status(&admin, store, self.people[person].id, self.people[person].active).await.unwrap();
            }
        }
    }

    /// Whether `inner` holds `outer` already, at any depth.
    fn reaches(&self, from: usize, to: usize) -> bool {
        from == to || self.groups_in.iter().any(|(outer, inner)| *outer == from && self.reaches(*inner, to))
    }
}

fn lets_in(filter: &ReadFilter, document: &Document) -> bool {
    filter.policies.contains(&document.tag)
        || (filter.owner_only.contains(&document.tag) && filter.owner == document.owner)
}

async fn random_states_agree_with_the_oracle(house: &House) {
    let mut dice = StdRng::seed_from_u64(20_261_122);
    let mut world = World::made(house).await;
    let stranger = house.company("stranger").await;
    let open = libraries::create(&stranger.admin, house.store(), "Open", "", vec![allow(Who::Everyone)]).await.unwrap();
    let theirs = house.upload(&stranger.admin, open.id, "theirs", "bytes", None).await.unwrap();
    house.publish_all().await;
    let mut wanted: Vec<PassageId> = world.documents.iter().map(|document| document.passage).collect();
    wanted.push(PassageId::derive(stranger.tenant, theirs.document, theirs.version, 0));
    let (mut yes, mut no) = (0, 0);
    for state in 0..STATES {
        for _ in 0..4 {
            world.change(house, &mut dice).await;
        }
        for document in &mut world.documents {
            document.tag = documents::tag(&world.company.admin, house.store(), document.id).await.unwrap().0;
        }
        for person in &world.people {
            let scope = house.scope(world.company.tenant, person);
            let due: BTreeSet<PassageId> = world
                .documents
                .iter()
                .filter(|document| world.reads(person, document))
                .map(|document| document.passage)
                .collect();
            agrees(house, &world, &scope, &due, &wanted, &format!("state {state}, {}", person.name)).await;
            let document = &world.documents[dice.random_range(0..world.documents.len())];
            one_document_agrees(house, &world, &scope, document, due.contains(&document.passage)).await;
            yes += due.len();
            no += world.documents.len() - due.len();
        }
    }
    assert!(yes > 300 && no > 300, "both verdicts were put to the test: {yes} yes, {no} no");
    println!("oracle: {STATES} states, {yes} readable, {no} not");
}

/// Passages, filter, list and libraries of one user: exactly what is due, in both directions.
async fn agrees(
    house: &House,
    world: &World,
    scope: &Scope,
    due: &BTreeSet<PassageId>,
    wanted: &[PassageId],
    at: &str,
) {
    let (found, moment) = passages::read(scope, house.store(), wanted).await.unwrap();
    let epoch = moment.epoch;
    assert_eq!(&found.iter().map(|passage| passage.row.id).collect::<BTreeSet<_>>(), due, "passages, {at}");
    let vectors = passage_vectors::of_sentences(scope, house.store(), wanted, EMBEDDER).await.unwrap();
    assert_eq!(&vectors.into_keys().collect::<BTreeSet<_>>(), due, "sentence vectors, {at}");
    let foreign = passage_vectors::of_sentences(scope, house.store(), wanted, "another model").await.unwrap();
    assert!(foreign.is_empty(), "vectors of another model, {at}");
    let (filter, _) = access::readable(scope, house.store()).await.unwrap();
    let passed: BTreeSet<PassageId> =
        world.documents.iter().filter(|document| lets_in(&filter, document)).map(|document| document.passage).collect();
    assert_eq!((&passed, filter.epoch), (due, epoch), "filter, {at}");
    let listed = documents::readable_list(scope, house.store(), None, &Cursor::default()).await.unwrap();
    let by_id: HashMap<DocumentId, PassageId> =
        world.documents.iter().map(|document| (document.id, document.passage)).collect();
    assert_eq!(&listed.items.iter().map(|document| by_id[&document.id]).collect::<BTreeSet<_>>(), due, "list, {at}");
    let person = world.people.iter().find(|person| person.id == scope.user()).unwrap();
    let mut due_libraries: Vec<LibraryId> = Vec::new();
    for (index, (id, rules)) in world.libraries.iter().enumerate() {
        let by_document =
            world.documents.iter().any(|document| document.library == index && due.contains(&document.passage));
        if by_document || (person.active && passes(rules, person.id, &world.closure(person.id))) {
            due_libraries.push(*id);
        }
    }
    let shown = libraries::readable(scope, house.store()).await.unwrap();
    assert_eq!(shown.iter().map(|library| library.id).collect::<Vec<_>>(), due_libraries, "libraries, {at}");
    assert!(shown.iter().all(|library| library.rules.is_empty()), "rules are not the reader's business");
}

async fn one_document_agrees(house: &House, world: &World, scope: &Scope, document: &Document, due: bool) {
    assert_eq!(documents::get(scope, house.store(), document.id).await.is_ok(), due);
    assert_eq!(documents::text(scope, house.store(), document.id, None).await.is_ok(), due);
    let explained = access::explain(&world.company.admin, house.store(), scope.user(), document.id).await.unwrap();
    assert_eq!(explained.readable, due, "{explained:?}");
    if let Some(Rule { who: Who::AllOf(all), .. }) = &explained.rule {
        assert_eq!(explained.chains.len(), all.len(), "a chain leads to each group of the rule");
    }
    if scope.role() != Role::Admin {
        assert_eq!(
            access::explain(scope, house.store(), scope.user(), document.id).await.is_ok(),
            due,
            "what one may not read, one may not ask about"
        );
        assert_eq!(
            code(access::explain(scope, house.store(), world.company.root.id, document.id).await),
            ErrorCode::NotFound
        );
    }
}

async fn every_change_raises_the_epoch(house: &House) {
    let company = house.company("epochs").await;
    let (admin, store) = (&company.admin, house.store());
    let person = house.person(&company, "pat", Role::Member, false).await;
    let (outer, inner) = (
        groups::create(admin, store, "outer").await.unwrap().id,
        groups::create(admin, store, "inner").await.unwrap().id,
    );
    let library = libraries::create(admin, store, "Library", "", vec![]).await.unwrap().id;
    let document = house.upload(admin, library, "one", "bytes", None).await.unwrap().document;
    let mut last = access::epoch(admin, store).await.unwrap();
    let mut higher = |what: &str, epoch: i64| {
        assert!(epoch > last, "{what}: {epoch} after {last}");
        last = epoch;
    };
    higher("add user", groups::add_user(admin, store, inner, person.id).await.unwrap().epoch);
    higher("add group", groups::add_group(admin, store, outer, inner).await.unwrap().epoch);
    higher(
        "library's rules",
        libraries::set_rules(admin, store, library, vec![allow(Who::AllOf(vec![outer]))]).await.unwrap().epoch,
    );
    higher(
        "own policy",
        policies::set_own(admin, store, document, Some(vec![deny(Who::Everyone)])).await.unwrap().epoch,
    );
    higher("no own policy", policies::set_own(admin, store, document, None).await.unwrap().epoch);
    higher("disabled", users::set_status(admin, store, person.id, false).await.unwrap().epoch);
    higher("let back in", users::set_status(admin, store, person.id, true).await.unwrap().epoch);
    higher("remove group", groups::remove_group(admin, store, outer, inner).await.unwrap().epoch);
    higher("remove user", groups::remove_user(admin, store, inner, person.id).await.unwrap().epoch);
    groups::add_user(admin, store, inner, person.id).await.unwrap();
    higher("delete group", groups::delete(admin, store, inner).await.unwrap().epoch);
    higher("delete document", documents::delete(admin, store, document).await.unwrap().0.epoch);
}

async fn groups_in_rules_stay_and_circles_are_refused(house: &House) {
    let company = house.company("groups").await;
    let (admin, store) = (&company.admin, house.store());
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(groups::create(admin, store, name).await.unwrap().id);
    }
    groups::add_group(admin, store, ids[0], ids[1]).await.unwrap();
    groups::add_group(admin, store, ids[1], ids[2]).await.unwrap();
    for (outer, inner) in [(0, 0), (1, 0), (2, 0)] {
        assert_eq!(code(groups::add_group(admin, store, ids[outer], ids[inner]).await), ErrorCode::Conflict);
    }
    let library =
        libraries::create(admin, store, "Library", "", vec![deny(Who::AllOf(vec![ids[0]]))]).await.unwrap().id;
    assert_eq!(code(groups::delete(admin, store, ids[0]).await), ErrorCode::Conflict, "named by the library");
    let document = house
        .upload(admin, library, "one", "bytes", Some(vec![allow(Who::AllOf(vec![ids[1]]))]))
        .await
        .unwrap()
        .document;
    assert_eq!(code(groups::delete(admin, store, ids[1]).await), ErrorCode::Conflict, "named by the document");
    policies::set_own(admin, store, document, None).await.unwrap();
    groups::delete(admin, store, ids[1]).await.expect("a policy that nothing uses holds no group");
    documents::delete(admin, store, document).await.unwrap();
    libraries::delete(admin, store, library).await.unwrap();
    groups::delete(admin, store, ids[0]).await.expect("the library's policy went with it");
    let member = house.scope(company.tenant, &house.person(&company, "mo", Role::Member, true).await);
    assert_eq!(code(groups::add_user(&member, store, ids[2], member.user()).await), ErrorCode::Forbidden);
    let elsewhere = libraries::create(admin, store, "Other", "", vec![allow(Who::User(UserId::fresh()))]).await;
    assert_eq!(code(elsewhere), ErrorCode::InvalidRequest, "a rule names somebody of the tenant");
}

/// 1,000 policies and 1,000 documents: none is cut off, neither in the filter nor in the re-check of 50
/// passages. How long that takes is for a benchmark to say.
async fn many_policies_are_all_heeded(house: &House) {
    let company = house.company("many").await;
    let (admin, store) = (&company.admin, house.store());
    let library = libraries::create(admin, store, "Library", "", vec![]).await.unwrap().id;
    let group = groups::create(admin, store, "readers").await.unwrap().id;
    groups::add_user(admin, store, group, company.root.id).await.unwrap();
    for number in 0..50 {
        house.upload(admin, library, &format!("document {number}"), &number.to_string(), None).await.unwrap();
    }
    house.publish_all().await;
    house
        .sql(&format!(
            "SELECT set_config('fuente.tenant', '{tenant}', false);
             INSERT INTO policies (tenant_id, id) SELECT '{tenant}', gen_random_uuid() FROM generate_series(1, 1000);
             INSERT INTO policy_rules (tenant_id, policy_id, ordinal, effect, groups) SELECT tenant_id, id, 0, 'allow', 1 FROM policies WHERE tenant_id = '{tenant}';
             INSERT INTO policy_rule_groups SELECT tenant_id, policy_id, 0, '{group}' FROM policy_rules WHERE tenant_id = '{tenant}';
             INSERT INTO documents SELECT tenant_id, gen_random_uuid(), '{library}', 'x' || tag, 'Title', true, '{owner}', id, id FROM policies WHERE tenant_id = '{tenant}';
             ANALYZE",
            tenant = company.tenant,
            owner = company.root.id
        ))
        .await;
    let (found, _) = passages::read(admin, store, &[]).await.unwrap();
    assert!(found.is_empty());
    let ids: Vec<PassageId> = {
        let rows: Vec<(sqlx::types::Uuid,)> = sqlx::query_as("SELECT id FROM passages WHERE tenant_id = $1")
            .bind(company.tenant.0)
            .fetch_all(&mut house.superuser().await)
            .await
            .unwrap();
        rows.into_iter().map(|(id,)| PassageId(id)).collect()
    };
    assert!(access::readable(admin, store).await.unwrap().0.policies.len() >= 1_000);
    assert_eq!(passages::read(admin, store, &ids).await.unwrap().0.len(), 50);
}
