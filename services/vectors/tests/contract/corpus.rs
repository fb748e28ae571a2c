//! A small corpus with every combination that filters tell apart, and the answers that a
//! plain loop over it gives.

use fuente_contract::access::ReadFilter;
use fuente_contract::{DocumentId, LibraryId, PassageId, TenantId, UserId, VersionId};
use fuente_vectors::{Bm25, HybridQuery, Point, Sparse};

/// Numbers of a vector in these tests.
pub const DIM: usize = 8;
/// Policies that the corpus uses: tags 1 to 4 have rules, 9 has none.
pub const OWNER_ONLY: i64 = 9;

const TEXTS: [(&str, &str); 6] = [
    ("es", "Las vacaciones anuales son veintitrés días laborables."),
    ("es", "Los gastos de viaje se liquidan con el formulario azul."),
    ("en", "Annual leave is twenty-three working days."),
    ("en", "Travel expenses are settled with the blue form, within days."),
    ("de", "Die Urlaubstage werden im Kalender eingetragen."),
    ("en", "The zeppelin hangar is closed on working days."),
];

/// One tenant's points.
pub struct Corpus {
    pub tenant: TenantId,
    pub users: [UserId; 2],
    pub libraries: [LibraryId; 2],
    /// Every document has an old version and a current one.
    pub documents: Vec<(DocumentId, VersionId, VersionId)>,
    pub points: Vec<Point>,
}

impl Corpus {
    /// Ten documents with six passages in each of two versions: 120 points.
    pub fn new() -> Self {
        let tenant = TenantId::fresh();
        let users = [UserId::fresh(), UserId::fresh()];
        let libraries = [LibraryId::fresh(), LibraryId::fresh()];
        let documents: Vec<_> =
            (0..10).map(|_| (DocumentId::fresh(), VersionId::fresh(), VersionId::fresh())).collect();
        let mut points = Vec::new();
        for (number, &(document, old, new)) in documents.iter().enumerate() {
            for (version, current) in [(old, false), (new, true)] {
                for (ordinal, (lang, text)) in TEXTS.iter().enumerate() {
                    points.push(Point {
                        id: PassageId::derive(tenant, document, version, u32::try_from(ordinal).unwrap()),
                        dense: direction(number * 31 + ordinal * 7 + usize::from(current)),
                        sparse: Bm25::document(text, lang),
                        document,
                        version,
                        library: libraries[number % 2],
                        policy: [1, 2, 3, 4, OWNER_ONLY][number % 5],
                        owner: users[usize::from(number >= 5)],
                        lang: (*lang).to_owned(),
                        current,
                    });
                }
            }
        }
        Self { tenant, users, libraries, documents, points }
    }

    /// A question by the first user, who may read these policies.
    pub fn ask(&self, policies: Vec<i64>, owner_only: Vec<i64>) -> HybridQuery {
        HybridQuery {
            dense: direction(5),
            sparse: Bm25::query("working days", "en"),
            filter: ReadFilter { epoch: 1, policies, owner_only, owner: self.users[0] },
            libraries: None,
            documents: None,
            limit: 1_000,
            exact: true,
        }
    }

    /// What the dense leg must give: every readable point by cosine, ties by id.
    pub fn dense(&self, query: &HybridQuery) -> Vec<PassageId> {
        let mut hits: Vec<_> =
            self.readable(query).map(|point| (point.id, cosine(&point.dense, &query.dense))).collect();
        hits.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        hits.into_iter().map(|(id, _)| id).take(query.limit).collect()
    }

    /// What the sparse leg must give, in ascending order: readable points that share a term.
    pub fn sparse(&self, query: &HybridQuery) -> Vec<PassageId> {
        let shares = |terms: &Sparse| terms.indices.iter().any(|term| query.sparse.indices.contains(term));
        let mut ids: Vec<_> =
            self.readable(query).filter(|point| shares(&point.sparse)).map(|point| point.id).collect();
        ids.sort();
        ids
    }

    fn readable<'a>(&'a self, query: &'a HybridQuery) -> impl Iterator<Item = &'a Point> {
        let filter = &query.filter;
        self.points.iter().filter(move |point| {
            let mine = filter.owner_only.contains(&point.policy) && point.owner == filter.owner;
            let within = query.libraries.as_ref().is_none_or(|ids| ids.contains(&point.library));
            let among = query.documents.as_ref().is_none_or(|ids| ids.contains(&point.document));
            point.current && (filter.policies.contains(&point.policy) || mine) && within && among
        })
    }
}

/// A unit vector that differs from those of other seeds.
pub fn direction(seed: usize) -> Vec<f32> {
    let mut state = seed as u64 + 1;
    let raw: Vec<f32> = (0..DIM)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.into_iter().map(|x| x / length).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
