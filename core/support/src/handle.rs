//! What support and administrators do with issues. Every read of what somebody wrote is audited.

use consilium_db::{Result, Tx};
use consilium_kernel::{CommandMeta, EntityRef, Refusal, UserId, page_limit};

use crate::{
    Support, decide,
    model::{Entry, EntryKind, Issue, IssueFilter, IssueId, IssuePage, IssueStatus},
    report::{publish, tell},
    store,
};

impl Support {
    /// The facility's issues, the newest first.
    pub async fn issues(&self, meta: &CommandMeta, filter: IssueFilter) -> Result<IssuePage, Refusal> {
        decide::handler(meta)?;
        let limit = page_limit(filter.limit)?;
        let scope = meta.scope;
        let mut items = self.db.read(move |session| store::list(session, scope, &filter, limit + 1)).await?;
        let more = items.len() as i64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or_default());
        let next_cursor = items.last().filter(|_| more).map(|issue| issue.id);
        let entity = EntityRef::new("facility", scope.facility_id.uuid());
        self.db.write(meta, move |tx| tx.audit("read_issues", &entity, 0)).await?;
        Ok(IssuePage { items, next_cursor })
    }

    /// One issue.
    pub async fn issue(&self, meta: &CommandMeta, id: IssueId) -> Result<Issue, Refusal> {
        decide::handler(meta)?;
        let read = move |tx: &mut Tx<'_>| {
            let issue = own(tx, id)?;
            tx.audit("read_issue", &issue.entity(), issue.version)?;
            Ok(issue)
        };
        Ok(self.db.write(meta, read).await?)
    }

    /// All that happened to an issue, oldest first.
    pub async fn timeline(&self, meta: &CommandMeta, id: IssueId) -> Result<Vec<Entry>, Refusal> {
        decide::handler(meta)?;
        let read = move |tx: &mut Tx<'_>| {
            let issue = own(tx, id)?;
            tx.audit("read_issue_timeline", &issue.entity(), issue.version)?;
            store::entries(tx, id)
        };
        Ok(self.db.write(meta, read).await?)
    }

    /// Gives an issue to somebody of support or an administrator; to the caller when nobody is named.
    pub async fn assign(&self, meta: CommandMeta, id: IssueId, to: Option<UserId>) -> Result<Issue, Refusal> {
        let caller = decide::handler(&meta)?.user_id;
        let assignee = to.unwrap_or(caller);
        self.change(meta, id, move |tx, before| {
            let account = consilium_identity::account(tx, assignee)?;
            let fits = account
                .is_some_and(|account| account.facility_id == before.facility_id && decide::handles(account.role));
            // The caller is who the token says, whether or not there is such an account.
            if !fits && assignee != caller {
                return Err(Refusal::field("/assignee_id", "invalid", "is nobody who handles issues here").into());
            }
            let text = assignee.to_string();
            let issue = Issue { status: IssueStatus::Assigned, assignee_id: Some(assignee), ..before };
            store::note(tx, &issue, EntryKind::Assigned, Some(caller), Some(&text))?;
            Ok((issue, "issue_assigned"))
        })
        .await
    }

    /// Writes to an issue's history.
    pub async fn comment(&self, meta: CommandMeta, id: IssueId, text: &str) -> Result<Issue, Refusal> {
        let caller = decide::handler(&meta)?.user_id;
        let text = decide::words(text, "/text")?;
        self.change(meta, id, move |tx, before| {
            store::note(tx, &before, EntryKind::Commented, Some(caller), Some(&text))?;
            Ok((before, "issue_commented"))
        })
        .await
    }

    /// Closes an issue with what helped.
    pub async fn resolve(&self, meta: CommandMeta, id: IssueId, resolution: &str) -> Result<Issue, Refusal> {
        let caller = decide::handler(&meta)?.user_id;
        let text = decide::words(resolution, "/resolution")?;
        self.change(meta, id, move |tx, before| {
            let resolved_at = Some(tx.now());
            let issue = Issue { status: IssueStatus::Resolved, resolved_at, ..before };
            store::note(tx, &issue, EntryKind::Resolved, Some(caller), Some(&text))?;
            Ok((issue, "issue_resolved"))
        })
        .await
    }

    /// Takes an issue that is not resolved to its next version, once per Idempotency-Key.
    async fn change(
        &self,
        meta: CommandMeta,
        id: IssueId,
        step: impl Fn(&mut Tx<'_>, Issue) -> Result<(Issue, &'static str)> + Send + 'static,
    ) -> Result<Issue, Refusal> {
        let (db, once) = (self.db.clone(), meta.clone());
        let work = async move {
            let write = move |tx: &mut Tx<'_>| {
                let before = own(tx, id)?;
                decide::may_change(before.status)?;
                let expected = before.version;
                let (mut issue, event_type) = step(tx, before)?;
                issue.version = expected + 1;
                store::save(tx, &issue, expected)?;
                tell(tx, &issue, event_type)?;
                if issue.status == IssueStatus::Resolved {
                    publish(tx, &issue, event_type)?;
                }
                Ok(issue)
            };
            Ok(db.command(&meta, write).await?)
        };
        self.db.once(&once, work).await
    }
}

/// An issue of the caller's facility.
fn own(tx: &mut Tx<'_>, id: IssueId) -> Result<Issue> {
    let scope = tx.meta().scope;
    store::find(tx, scope, id)?.ok_or_else(|| Refusal::not_found().into())
}
