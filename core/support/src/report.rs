//! Reporting an issue: kept, told to the others, and answered with another way to meet, in one transaction. When it is
//! bad, the consultation goes on at the next video provider.

use consilium_consultations::{
    BackupLink, Because, Consultation, Part, Status, consultation, offer_backup_link, topic,
};
use consilium_db::{Result, Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, ConsultationId, Refusal, UserId};
use serde_json::json;

use crate::{
    Support, decide,
    model::{EntryKind, Issue, IssueDraft, IssueReported, IssueStatus, Severity},
    store,
};

impl Support {
    /// Reports an issue, by somebody who takes part. 429 `too_many_issues`, 409 `invalid_transition` long after the
    /// end. While the consultation goes on, both sides are offered another way, and a bad issue with sound, picture or
    /// connection has it go on at the next provider.
    pub async fn report(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        draft: IssueDraft,
    ) -> Result<IssueReported, Refusal> {
        let draft = decide::check(draft)?;
        let (this, once) = (self.clone(), meta.clone());
        let work = async move { this.report_once(meta, id, draft).await };
        self.db.once(&once, work).await
    }

    async fn report_once(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        draft: IssueDraft,
    ) -> Result<IssueReported, Refusal> {
        let scope = meta.scope;
        let found = self.db.read(move |session| consultation(session, id)).await?;
        let known = found.filter(|found| found.facility_id == scope.facility_id).ok_or(Refusal::not_found())?;
        let part = known.part_of(&meta.principal).ok_or(Refusal::not_found())?;
        let reporter = meta.principal.user_id().ok_or(Refusal::not_found())?;
        // Before the transaction, because it asks the providers.
        let backup = match known.status {
            Status::Waiting | Status::InProgress => Some(self.consultations.backup_link(&known).await?),
            _ => None,
        };
        let severe = draft.severity == Severity::High && draft.category.is_media();
        let (going_on, facility) = (known.status == Status::InProgress, known.facility_id);
        let write = move |tx: &mut Tx<'_>| keep(tx, &known, (reporter, part), &draft, backup.as_ref());
        let reported = self.db.command(&meta, write).await.map_err(Refusal::from)?;
        if severe && going_on {
            let (this, issue) = (self.clone(), reported.issue.clone());
            let system = CommandMeta::system(facility, "support");
            tokio::spawn(async move { this.switch(system, issue).await });
        }
        Ok(reported)
    }

    /// Has the consultation go on at the next provider, and notes what came of it.
    async fn switch(self, meta: CommandMeta, issue: Issue) {
        let (kind, text) = match self.consultations.switch_video(&meta, issue.consultation_id).await {
            Ok(now) => (EntryKind::ProviderSwitched, now.videos.last().map(|choice| choice.provider.clone())),
            Err(refusal) => (EntryKind::ProviderKept, Some(refusal.code.into_owned())),
        };
        let id = issue.id;
        let noted = self.db.write(&meta, move |tx| store::note(tx, &issue, kind, None, text.as_deref()));
        if let Err(error) = noted.await {
            tracing::warn!(issue = %id, %error, "what became of the video could not be noted");
        }
    }
}

fn keep(
    tx: &mut Tx<'_>,
    known: &Consultation,
    (reporter, part): (UserId, Part),
    draft: &IssueDraft,
    backup: Option<&BackupLink>,
) -> Result<IssueReported> {
    let now = tx.now();
    let since = now.saturating_sub(decide::WITHIN).unwrap_or(now);
    decide::may_report(known, store::recent(tx, known.id, reporter, since)?, now)?;
    let issue = Issue {
        id: tx.new_id(),
        facility_id: known.facility_id,
        consultation_id: known.id,
        patient_id: known.patient_id,
        reporter_id: reporter,
        reporter_role: part,
        category: draft.category,
        severity: draft.severity,
        status: IssueStatus::Open,
        assignee_id: None,
        description: draft.description.clone(),
        diagnostics: draft.diagnostics.clone(),
        reported_at: now,
        resolved_at: None,
        version: 1,
    };
    store::insert(tx, &issue)?;
    store::note(tx, &issue, EntryKind::Reported, Some(reporter), None)?;
    if backup.is_some() {
        store::note(tx, &issue, EntryKind::BackupLinkOffered, None, None)?;
    }
    tell(tx, &issue, "issue_reported")?;
    publish(tx, &issue, "issue_reported")?;
    if let Some(link) = backup {
        offer_backup_link(tx, known, link, Because::Issue { issue_id: issue.id.uuid() })?;
    }
    Ok(IssueReported { issue, backup: backup.cloned() })
}

/// What others may know of an issue: ids and words of the API, nothing that somebody wrote.
fn data(issue: &Issue) -> serde_json::Value {
    json!({
        "issue_id": issue.id,
        "consultation_id": issue.consultation_id,
        "patient_id": issue.patient_id,
        "facility_id": issue.facility_id,
        "reporter_id": issue.reporter_id,
        "reporter_role": issue.reporter_role,
        "category": issue.category,
        "severity": issue.severity,
        "status": issue.status,
        "assignee_id": issue.assignee_id,
    })
}

/// Writes the event.
pub(crate) fn tell(tx: &mut Tx<'_>, issue: &Issue, event_type: &'static str) -> Result<()> {
    tx.emit(Fact {
        entity: issue.entity(),
        version: issue.version,
        event_type,
        schema: 1,
        subject: issue.patient_id.uuid(),
        data: &data(issue),
    })
}

/// Tells whoever is in the consultation. Holds its topic until commit.
pub(crate) fn publish(tx: &mut Tx<'_>, issue: &Issue, event_type: &'static str) -> Result<()> {
    let topic = topic(issue.consultation_id);
    tx.publish(&topic, event_type, issue.patient_id.uuid(), &data(issue)).map(|_| ())
}
