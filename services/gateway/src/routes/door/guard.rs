//! Decides every call before its body is read: no rule, no entry.

use super::{Caller, Token, origin, unauthenticated};
use crate::routes::table::{ADMIN, Key, Rule};
use crate::state::State;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, ResponseError, web};
use fuente_contract::{Error, ErrorCode, Result, Role, Scope};
use fuente_wire::Problem;

/// Middleware of every resource. It runs once the route is known and before the handler is.
pub(crate) async fn guard<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    match admit(req.request()).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                req.extensions_mut().insert(caller);
            }
            next.call(req).await.map(ServiceResponse::map_into_left_body)
        }
        Err(error) => {
            let is_method = error.code == ErrorCode::MethodNotAllowed;
            let mut response = Problem(error).error_response();
            if let (true, Some(methods)) = (is_method, methods(req.request())) {
                response.headers_mut().insert(ALLOW, methods);
            }
            Ok(req.into_response(response).map_into_right_body())
        }
    }
}

fn methods(req: &HttpRequest) -> Option<HeaderValue> {
    let state = req.app_data::<web::Data<State>>()?;
    HeaderValue::from_str(&state.methods(&req.match_pattern()?)).ok()
}

/// The caller, or none where the route is public.
async fn admit(req: &HttpRequest) -> Result<Option<Caller>> {
    let state = req.app_data::<web::Data<State>>().ok_or_else(|| Error::internal("the gateway has no state"))?;
    let pattern = req.match_pattern().unwrap_or_default();
    let rule = match state.rule(req.method().as_str(), &pattern) {
        Some(rule) => rule,
        None if !state.methods(&pattern).is_empty() => {
            return Err(Error::new(ErrorCode::MethodNotAllowed, "This path has no such method."));
        }
        None => return Err(Error::not_found()),
    };
    let key = match rule {
        Rule::Public => return Ok(None),
        Rule::SignedIn(key) | Rule::Admin(key) => key,
    };
    let token = Token::of(req, &state.settings.gateway).ok_or_else(unauthenticated)?;
    if matches!(token, Token::Cookie(_)) {
        origin::check(req, &state.settings.gateway)?;
    }
    let scope = state.admit(&token).await?.ok_or_else(unauthenticated)?;
    permit(&scope, rule, key)?;
    Ok(Some(Caller { scope, token }))
}

fn permit(scope: &Scope, rule: Rule, key: Key) -> Result<()> {
    let is_key = matches!(scope.credential(), fuente_contract::Credential::ApiKey { .. });
    match key {
        Key::Never if is_key => {
            return Err(Error::new(ErrorCode::Forbidden, "API keys may not do this: sign in as a person."));
        }
        Key::Scope(needed) if !scope.allows(needed) => {
            return Err(Error::new(ErrorCode::Forbidden, format!("This API key lacks the scope `{needed}`.")));
        }
        // Administration is about the whole tenant, so a limit to libraries could not hold in it.
        Key::Scope(ADMIN) if scope.libraries().is_some() => {
            return Err(Error::new(
                ErrorCode::Forbidden,
                "This API key is limited to some libraries and cannot administer the tenant.",
            ));
        }
        _ => {}
    }
    if matches!(rule, Rule::Admin(_)) && scope.role() != Role::Admin {
        return Err(Error::new(ErrorCode::Forbidden, "Only administrators may do this."));
    }
    Ok(())
}
