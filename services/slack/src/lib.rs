//! Slack events → the same contract calls as the web chat → Slack replies.
//!
//! This process holds no documents and never answers for a Slack identity that is not mapped to
//! a user of the tenant. The room is laid out; its routes come with the Slack bot.
