//! A tenant made for one test, through the API wherever the API can make it.

use crate::app::{TestApp, eventually};
use crate::people::{Person, Reply};
use fuente_contract::Role;
use fuente_store::{tenants, users};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Everyone's password here.
const PASSWORD: &str = "a long enough one";

/// A tenant with its administrator.
pub struct Tenant {
    pub slug: String,
    pub admin: Person,
    pub admin_id: String,
}

/// The id in a reply.
pub fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

/// Rules that let in the members of every one of `groups`.
pub fn allow_groups(groups: &[&str]) -> Value {
    json!([{ "effect": "allow", "who": { "all_of": groups } }])
}

/// Rules that let everyone in.
pub fn everyone() -> Value {
    json!([{ "effect": "allow", "who": "everyone" }])
}

impl Tenant {
    /// The tenant and its first administrator are the two things that no API makes.
    pub async fn make(app: &TestApp, slug: &str) -> Self {
        let (system, store) = (app.running.door.system(), &app.running.store);
        let tenant = tenants::create(&system, store, slug, slug).await.expect("a tenant");
        let email = format!("admin@{slug}.example");
        let new = users::NewUser {
            email: email.clone(),
            name: "Admin".into(),
            password: Some(PASSWORD.into()),
            role: Role::Admin,
            content_read: false,
        };
        let admin = users::bootstrap_admin(&system, store, tenant, new).await.expect("an administrator");
        let person = sign_in(&app.url, slug, &email).await;
        Self { slug: slug.to_owned(), admin: person, admin_id: admin.id.to_string() }
    }

    /// A person of this tenant, signed in, and their id.
    pub async fn user(&self, name: &str, role: &str) -> (Person, String) {
        let email = format!("{name}@{}.example", self.slug);
        let body = json!({ "email": email, "name": name, "password": PASSWORD, "role": role });
        let user = self.admin.post("/v1/admin/users", body).await.ok();
        (sign_in(&self.admin.url, &self.slug, &email).await, id(&user))
    }

    pub async fn group(&self, name: &str) -> String {
        id(&self.admin.post("/v1/admin/groups", json!({ "name": name })).await.ok())
    }

    pub async fn join(&self, group: &str, user: &str) {
        self.admin.put(&format!("/v1/admin/groups/{group}/users/{user}"), json!({})).await.ok();
    }

    pub async fn leave(&self, group: &str, user: &str) {
        self.admin.delete(&format!("/v1/admin/groups/{group}/users/{user}")).await.ok();
    }

    pub async fn nest(&self, group: &str, member: &str) {
        self.admin.put(&format!("/v1/admin/groups/{group}/groups/{member}"), json!({})).await.ok();
    }

    pub async fn library(&self, name: &str, rules: Value) -> String {
        id(&self.admin.post("/v1/admin/libraries", json!({ "name": name, "rules": rules })).await.ok())
    }

    /// A key of `user`, as (id, secret).
    pub async fn key(&self, name: &str, user: &str, scopes: &[&str], libraries: Option<Vec<&str>>) -> (String, String) {
        let mut body = json!({ "name": name, "user": user, "scopes": scopes });
        if let Some(libraries) = libraries {
            body["libraries"] = json!(libraries);
        }
        let made = self.admin.post("/v1/admin/api-keys", body).await.ok();
        (id(&made), made["secret"].as_str().expect("the secret, this once").to_owned())
    }

    /// Sends a file; the name says its format. Does not wait.
    pub async fn upload(&self, library: &str, external_id: &str, file_name: &str, bytes: impl Into<Vec<u8>>) -> Reply {
        let path = format!("/v1/admin/libraries/{library}/documents/{external_id}?file_name={file_name}");
        self.admin.send(self.admin.request(Method::PUT, &path).body(bytes.into())).await
    }

    /// Sends a file and waits until it answers questions.
    pub async fn publish(&self, library: &str, external_id: &str, text: &str) -> Value {
        let accepted = self.upload(library, external_id, "text.md", text).await.ok();
        let job = self.finished(&accepted).await;
        assert_eq!(job["state"], "done", "{job}");
        accepted
    }

    /// Waits for the job of an upload and returns it.
    pub async fn finished(&self, accepted: &Value) -> Value {
        let path =
            format!("/v1/admin/jobs/{}", accepted["job"].as_str().unwrap_or_else(|| panic!("no job in {accepted}")));
        eventually(Duration::from_secs(60), "the end of the job", || async {
            let job = self.admin.get(&path).await.ok();
            (!["queued", "running"].contains(&job["state"].as_str().unwrap_or_default())).then_some(job)
        })
        .await
    }
}

/// Signs in by email and password, for a token.
pub async fn sign_in(url: &str, slug: &str, email: &str) -> Person {
    let nobody = Person::anonymous(url);
    let body = json!({ "tenant": slug, "email": email, "password": PASSWORD, "bearer": true });
    let signed_in = nobody.post("/v1/auth/sign-in", body).await.ok();
    Person::holding(url, signed_in["token"].as_str().expect("a token"))
}
