//! The re-check: Postgres says which of the candidates the asker may read now.

use fuente_contract::evidence::{Hit, Scores};
use fuente_contract::{PassageId, Result, Scope};
use fuente_store::Store;
use fuente_store::passages::{self, Moment};
use std::collections::HashMap;

/// Readable candidates in their given order, and the moment at which they were checked.
/// What the asker may not read is dropped without a trace (I1, I2).
pub(crate) async fn recheck(
    scope: &Scope,
    store: &Store,
    ranked: &[(PassageId, Scores)],
) -> Result<(Vec<Hit>, Moment)> {
    let ids: Vec<PassageId> = ranked.iter().map(|(id, _)| *id).collect();
    let (rows, moment) = passages::read(scope, store, &ids).await?;
    let mut found: HashMap<PassageId, _> = rows.into_iter().map(|row| (row.row.id, row)).collect();
    let hits = ranked
        .iter()
        .filter_map(|(id, scores)| {
            let read = found.remove(id)?;
            let (document, version, library, title, row) =
                (read.document, read.version, read.library, read.title, read.row);
            Some(Hit {
                passage: row.id,
                document,
                version,
                library,
                title,
                heading: row.heading,
                page_from: row.page_from,
                page_to: row.page_to,
                char_start: row.char_start,
                char_end: row.char_end,
                text: row.text,
                lang: row.lang,
                scores: *scores,
            })
        })
        .collect();
    Ok((hits, moment))
}
