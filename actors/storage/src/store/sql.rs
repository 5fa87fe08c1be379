//! Hand-written statements that the server plans once per connection.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// A `diesel::sql_query(…).bind(…)` whose text is constant, so that its plan may be kept. Diesel keeps none for texts, since
/// they could be built anew each time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Planned<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Planned<Q> {
    type QueryId = ();
    // The text is the key of the kept plan.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Planned<Q> {
    type SqlType = Q::SqlType;
}
