//! `Search` as a route.

use crate::problem::Reply;
use crate::remote::path;
use crate::request::{Body, BodyLimit};
use crate::seal::{Caller, Opener};
use actix_web::{HttpResponse, web};
use fuente_contract::{Search, SearchRequest};
use std::sync::Arc;

/// Serves `service` to whoever holds the service secret.
pub fn search(service: Arc<dyn Search>, opener: Opener) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config.service(
            web::resource(path::SEARCH)
                .app_data(web::Data::from(Arc::clone(&service)))
                .app_data(opener.clone())
                .app_data(BodyLimit::default())
                .route(web::post().to(run)),
        );
    }
}

async fn run(caller: Caller, service: web::Data<dyn Search>, request: Body<SearchRequest>) -> Reply {
    let reply = service.search(&caller.0, request.0).await?;
    Ok(HttpResponse::Ok().json(reply))
}
