//! The boot refuses routes that are not sound: no rule, no description, no declared id.

use fuente_gateway::routes::{self, Answers, Place, RouteRule, Rule, Sends};

fn boot(rules: &[RouteRule]) -> Result<(), String> {
    routes::register(&routes::description(), Vec::leak(rules.to_vec())).map(drop)
}

#[test]
fn the_routes_as_they_are_start() {
    boot(routes::table()).unwrap();
}

#[test]
fn a_route_without_a_rule_stops_the_boot() {
    for gone in routes::table().iter().filter(|row| row.is_described()) {
        let rest: Vec<_> =
            routes::table().iter().filter(|row| (row.method, row.path) != (gone.method, gone.path)).copied().collect();
        let error = boot(&rest).unwrap_err();
        assert!(error.contains(&format!("{} {}: described, but it has no rule", gone.method, gone.path)), "{error}");
    }
}

#[test]
fn a_rule_without_a_description_stops_the_boot() {
    let mut more = routes::table().to_vec();
    let mut extra = more[0];
    extra.path = "/v1/admin/secrets";
    more.push(extra);
    assert!(boot(&more).unwrap_err().contains("/v1/admin/secrets: in the route table, but not described"));
}

#[test]
fn a_rule_twice_or_an_undeclared_id_stops_the_boot() {
    let mut twice = routes::table().to_vec();
    let mut weaker = twice[1];
    weaker.rule = Rule::Public;
    twice.push(weaker);
    assert!(boot(&twice).unwrap_err().contains("twice"));

    let mut undeclared = routes::table().to_vec();
    let row = undeclared.iter_mut().find(|row| row.path == "/v1/documents/{id}").unwrap();
    row.ids = &[];
    assert!(boot(&undeclared).unwrap_err().contains("the kind of the id {id} is not declared"));
}

/// What the leak matrix relies on: it replays these bodies with ids of others in them.
#[test]
fn every_template_is_json_and_holds_every_id_that_its_row_declares() {
    for row in routes::table() {
        let template = match row.sends {
            Sends::Json(template) => {
                let json: serde_json::Value =
                    serde_json::from_str(template).unwrap_or_else(|error| panic!("{}: {error}", row.path));
                assert!(json.is_object(), "{}", row.path);
                template
            }
            Sends::Form(template) => template,
            Sends::Nothing | Sends::Bytes => "",
        };
        for (place, kind) in row.ids {
            let holds = match place {
                Place::Path(name) => row.path.contains(&format!("{{{name}}}")),
                Place::Body => template.contains(kind.placeholder()),
                Place::Query(_) => true,
            };
            assert!(holds, "{} {}: {place:?} {kind:?}", row.method, row.path);
        }
    }
}

#[test]
fn only_these_routes_are_public() {
    let public: Vec<_> = routes::table()
        .iter()
        .filter(|row| row.rule == Rule::Public && row.answers != Answers::Page)
        .map(|row| row.path)
        .collect();
    assert_eq!(public, ["/v1/auth/sign-in", "/healthz", "/readyz"]);
}

#[test]
fn the_description_holds_together() {
    let text = routes::description().to_json().unwrap();
    let api: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schemas = api["components"]["schemas"].as_object().unwrap();
    for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schemas.contains_key(name), "{name} is named but not described");
    }
    let mut ids = std::collections::HashSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{method} {path}: its operation id is taken"
            );
        }
    }
}
