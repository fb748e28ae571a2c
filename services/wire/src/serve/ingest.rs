//! `Ingest` as routes. An upload is one line of JSON (what is known of it), then its bytes; so is an
//! original on its way back.

use crate::line::{CURRENT, first_line};
use crate::problem::Reply;
use crate::remote::path;
use crate::request::{Body, Id};
use crate::seal::{Caller, Opener};
use crate::upload;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use fuente_contract::ingest::Upload;
use fuente_contract::{DocumentId, Error, Ingest};
use futures_util::{StreamExt, stream};
use std::sync::Arc;

/// Serves `service` to whoever holds the service secret. The limit on an upload's size is the
/// gateway's and the service's own.
pub fn ingest(service: Arc<dyn Ingest>, opener: Opener) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |config| {
        let resource =
            |path: &str| web::resource(path).app_data(web::Data::from(Arc::clone(&service))).app_data(opener.clone());
        config.service(resource(path::ACCEPT).route(web::post().to(accept)));
        config.service(resource(&path::document("{id}")).route(web::delete().to(delete)));
        config.service(resource(&path::retag("{id}")).route(web::post().to(retag)));
        config.service(resource(path::RECONCILE).route(web::post().to(reconcile)));
        config.service(resource(&path::original("{id}", "{version}")).route(web::get().to(original)));
    }
}

async fn accept(caller: Caller, service: web::Data<dyn Ingest>, body: web::Payload) -> Reply {
    let (upload, rest): (Upload, _) = first_line(body).await?;
    let rest = rest.map(|chunk| chunk.map_err(upload::broken_off));
    let accepted = upload::through(rest, u64::MAX, |bytes| service.accept(&caller.0, upload, bytes)).await?;
    Ok(HttpResponse::Accepted().json(accepted))
}

async fn delete(caller: Caller, service: web::Data<dyn Ingest>, id: Id<DocumentId>) -> Reply {
    Ok(HttpResponse::Ok().json(service.delete(&caller.0, id.0).await?))
}

async fn retag(caller: Caller, service: web::Data<dyn Ingest>, id: Id<DocumentId>) -> Reply {
    service.retag(&caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn reconcile(caller: Caller, service: web::Data<dyn Ingest>, mend: Body<bool>) -> Reply {
    Ok(HttpResponse::Ok().json(service.reconcile(&caller.0, mend.0).await?))
}

async fn original(caller: Caller, service: web::Data<dyn Ingest>, id: Id<(DocumentId, String)>) -> Reply {
    let (document, version) = id.0;
    let version = match version.as_str() {
        CURRENT => None,
        id => Some(id.parse().map_err(|_| Error::not_found())?),
    };
    let (original, bytes) = service.original(&caller.0, document, version).await?;
    let line = serde_json::to_string(&original).map_err(Error::internal)? + "\n";
    let body = stream::iter([Ok(Bytes::from(line))]).chain(bytes);
    Ok(HttpResponse::Ok().content_type("application/octet-stream").streaming(body))
}
