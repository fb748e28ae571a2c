//! Refusals: calls, options and conditions that this server does not know.

use tonic::Status;

/// The generated traits want every call of the protocol; the ones listed answer UNIMPLEMENTED.
macro_rules! refuse_calls {
    ($($call:ident($request:ident) -> $reply:ident;)+) => {$(
        fn $call<'life0, 'async_trait>(
            &'life0 self,
            _request: tonic::Request<qdrant_client::qdrant::$request>,
        ) -> std::pin::Pin<Box<
            dyn Future<Output = Result<tonic::Response<qdrant_client::qdrant::$reply>, tonic::Status>> + Send + 'async_trait,
        >>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(std::future::ready(Err(crate::testing::refuse::unknown(stringify!($call)))))
        }
    )+};
}
pub(super) use refuse_calls;

/// The answer to something that is part of the protocol but not of this server.
pub(super) fn unknown(what: &str) -> Status {
    Status::unimplemented(format!("the test vector server does not know `{what}`"))
}

/// Refuses a message that still says something after its known parts were taken out of it.
pub(super) fn nothing_else<M: Default + PartialEq + std::fmt::Debug>(rest: &M, what: &str) -> Result<(), Status> {
    if *rest == M::default() { Ok(()) } else { Err(unknown(&format!("{what}: {rest:?}"))) }
}
