//! What a command prints. Whoever reads it may stop reading (`fuente ingest DIR | head`): the command then
//! goes on to its end in silence, where `println!` would end it half done.

/// `println!`, for a reader who may have left.
macro_rules! say {
    ($($said:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($said)*);
    }};
}
