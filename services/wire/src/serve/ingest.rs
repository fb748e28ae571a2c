//! `Ingest` as routes. An upload is one line of JSON (what is known of it), then its bytes.

use crate::problem::Reply;
use crate::remote::path;
use crate::request::{Body, Id};
use crate::seal::{Caller, Opener};
use crate::upload;
use actix_web::{HttpResponse, web};
use bytes::{Bytes, BytesMut};
use fuente_contract::ingest::Upload;
use fuente_contract::{DocumentId, Error, Ingest, Result};
use futures_util::{Stream, StreamExt, stream};
use std::sync::Arc;

/// Longest first line: rules and a title fit many times over.
const LINE: usize = 256 * 1024;

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
    }
}

async fn accept(caller: Caller, service: web::Data<dyn Ingest>, body: web::Payload) -> Reply {
    let (upload, rest) = first_line(body).await?;
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

/// Reads up to the first line end, and hands back the line's JSON and everything after it.
async fn first_line(mut body: web::Payload) -> Result<(Upload, impl Stream<Item = Result<Bytes>>)> {
    let mut head = BytesMut::new();
    let end = loop {
        if let Some(end) = head.iter().position(|byte| *byte == b'\n') {
            break end;
        }
        if head.len() > LINE {
            return Err(Error::invalid("The upload's first line is too long."));
        }
        match body.next().await {
            Some(Ok(chunk)) => head.extend_from_slice(&chunk),
            _ => return Err(Error::invalid("The upload ends before its first line does.")),
        }
    };
    let upload = serde_json::from_slice(&head[..end])
        .map_err(|error| Error::invalid(format!("The upload's first line is not valid: {error}.")))?;
    let rest = head.split_off(end + 1).freeze();
    Ok((
        upload,
        stream::iter((!rest.is_empty()).then_some(Ok(rest))).chain(body.map(|chunk| chunk.map_err(upload::broken_off))),
    ))
}
