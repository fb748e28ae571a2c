//! What handlers read from a request: strict JSON bodies, query parameters, ids in the path.

use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use bytes::BytesMut;
use fuente_contract::{Error, ErrorCode};
use futures_util::StreamExt;
use futures_util::future::{LocalBoxFuture, Ready, ready};
use serde::de::DeserializeOwned;

/// Largest JSON body of an app; set it as app data.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

impl Default for BodyLimit {
    fn default() -> Self {
        Self(256 * 1024)
    }
}

/// A JSON body. Its type decides which fields exist: give it `deny_unknown_fields`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = req.app_data::<BodyLimit>().copied().unwrap_or_default().0;
        let headers = check_headers(req.headers(), limit);
        let payload = payload.take();
        Box::pin(async move {
            headers?;
            let bytes = read(payload, limit).await?;
            Ok(Self(parse(&bytes)?))
        })
    }
}

/// Whether a media type is JSON, parameters aside.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn check_headers(headers: &HeaderMap, limit: usize) -> Result<(), Error> {
    if !is_json(headers) {
        return Err(Error::new(
            ErrorCode::UnsupportedMedia,
            "Send the body as JSON, with the header Content-Type: application/json.",
        ));
    }
    let length =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    match length {
        Some(length) if length > limit as u64 => Err(too_large(limit)),
        _ => Ok(()),
    }
}

async fn read(mut payload: Payload, limit: usize) -> Result<BytesMut, Error> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Error::invalid("The body broke off.").because(error))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if bytes.is_empty() {
        return Err(Error::invalid("A JSON body is needed."));
    }
    serde_json::from_slice(bytes).map_err(|error| Error::invalid(format!("The JSON body is not valid: {error}.")))
}

fn too_large(limit: usize) -> Error {
    Error::new(ErrorCode::TooLarge, format!("The body is larger than {limit} bytes."))
}

/// Query parameters. Give the type `deny_unknown_fields`.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match web::Query::<T>::from_query(req.query_string()) {
            Ok(query) => Ok(Self(query.into_inner())),
            Err(error) => Err(Error::invalid(format!("A query parameter is not valid: {error}.")).into()),
        })
    }
}

/// Ids in the path. A malformed id answers exactly like one that does not exist.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(match web::Path::<T>::from_request(req, payload).into_inner() {
            Ok(path) => Ok(Self(path.into_inner())),
            Err(_) => Err(Error::not_found().into()),
        })
    }
}
