//! The door over HTTP, on a real Postgres: who gets in, what is refused, and how streams end.

mod chat;
mod entry;
mod passwords;
mod running;
mod services;
mod uploads;

/// One Postgres for all of it; each part says what it holds.
#[actix_web::test]
async fn the_door_holds() {
    let mut running = running::start().await;
    entry::strangers_are_refused_before_their_body_is_read(&running).await;
    entry::members_do_not_administer(&running).await;
    entry::unknown_fields_are_refused_everywhere(&running).await;
    entry::ids_that_do_not_exist_and_malformed_ones_answer_the_same(&running).await;
    entry::methods_and_paths_that_do_not_exist_say_so(&running).await;
    passwords::a_new_password_ends_what_the_old_one_opened(&running).await;
    entry::signing_in_tells_nothing_and_is_limited(&running).await;
    entry::a_cookie_alone_changes_nothing_from_elsewhere(&running).await;
    entry::keys_do_what_their_scopes_name(&running).await;
    entry::the_documentation_needs_no_other_server(&running).await;
    uploads::files_stream_and_stop_at_the_limit(&running).await;
    chat::a_turn_is_streamed_stored_and_private(&running).await;
    chat::leaving_stops_the_answer(&mut running).await;
    chat::an_answer_ends_with_its_sources(&mut running).await;
    chat::a_disabled_user_is_cut_off(&mut running).await;
    if let Some(postgres) = running.postgres.take() {
        postgres.stop().await.unwrap();
    }
}
