//! What was drawn on a shared screen, kept when somebody says so. What is being drawn passes by as signals.

use consilium_db::{Tx, outbox::Fact};
use consilium_kernel::{CommandMeta, ConsultationId, FieldError, Id, Refusal, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{facts, service::Consultations, store, topic};

/// Of [`Annotations`].
pub type AnnotationsId = Id<Annotations>;

/// What a stroke is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// Along its points.
    Pen,
    /// Along its points, and lets what is below shine through.
    Marker,
    /// From its first point to its last.
    Arrow,
    /// Around its first and its last point.
    Rectangle,
    /// In the rectangle of its first and its last point.
    Ellipse,
    /// Its text, at its first point.
    Text,
}

/// One stroke. May hold what identifies a patient.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Stroke {
    /// With what.
    pub tool: Tool,
    /// `#rrggbb`.
    pub color: String,
    /// Thousandths of the picture's width, 1 to 100.
    pub width: u8,
    /// Where, from the picture's upper left corner (0, 0) to its lower right one (1, 1). 1 to 2,000.
    pub points: Vec<(f64, f64)>,
    /// Up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl std::fmt::Debug for Stroke {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stroke(…)")
    }
}

/// A drawing to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewAnnotations {
    /// The client's own id of it: saving it again gives what is stored already. 1 to 64 characters.
    pub client_annotation_id: String,
    /// 1 to 500; 40 KiB in all, as JSON.
    pub strokes: Vec<Stroke>,
}

/// A drawing that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotations {
    /// Its id.
    pub id: AnnotationsId,
    /// Who saved it.
    pub author_id: UserId,
    /// What was drawn, the oldest first.
    pub strokes: Vec<Stroke>,
    /// When it was saved.
    pub saved_at: Timestamp,
}

const MOST_STROKES: usize = 500;
const MOST_POINTS: usize = 2_000;
const LONGEST_TEXT: usize = 200;
const LARGEST: usize = 40 * 1024;
/// Drawings of one consultation at most.
const MOST_DRAWINGS: i64 = 200;

impl Stroke {
    /// What is wrong with it, where it stands at `pointer`.
    pub fn check(&self, pointer: &str) -> Vec<FieldError> {
        let digits = self.color.strip_prefix('#').unwrap_or_default();
        let colour = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let inside = self.points.iter().all(|(x, y)| (0.0..=1.0).contains(x) && (0.0..=1.0).contains(y));
        let text = self.text.as_ref().map(|text| text.chars().count());
        [
            (colour, "color", "invalid", "is not #rrggbb"),
            ((1..=100).contains(&self.width), "width", "out_of_range", "is not 1 to 100"),
            ((1..=MOST_POINTS).contains(&self.points.len()), "points", "out_of_range", "holds not 1 to 2,000 points"),
            (inside, "points", "out_of_range", "leaves the picture, which goes from 0 to 1"),
            ((self.tool == Tool::Text) == text.is_some(), "text", "invalid", "belongs to the tool text"),
            (
                text.is_none_or(|count| (1..=LONGEST_TEXT).contains(&count)),
                "text",
                "too_long",
                "has not 1 to 200 characters",
            ),
        ]
        .into_iter()
        .filter(|(good, ..)| !good)
        .map(|(_, field, code, detail)| FieldError {
            pointer: format!("{pointer}/{field}"),
            code: code.into(),
            detail: detail.to_owned(),
        })
        .collect()
    }
}

impl NewAnnotations {
    fn check(&self) -> Result<(), Refusal> {
        let wrong = |pointer: &str, code: &'static str, detail: String| Err(Refusal::field(pointer, code, detail));
        if !(1..=64).contains(&self.client_annotation_id.chars().count()) {
            return wrong("/client_annotation_id", "out_of_range", "has not 1 to 64 characters".to_owned());
        }
        if !(1..=MOST_STROKES).contains(&self.strokes.len()) {
            return wrong("/strokes", "out_of_range", format!("holds not 1 to {MOST_STROKES} strokes"));
        }
        let errors: Vec<FieldError> = self
            .strokes
            .iter()
            .enumerate()
            .flat_map(|(place, stroke)| stroke.check(&format!("/strokes/{place}")))
            .take(20)
            .collect();
        if !errors.is_empty() {
            return Err(Refusal::invalid(errors));
        }
        match serde_json::to_string(&self.strokes).map_err(|_| Refusal::internal())?.len() {
            bytes if bytes > LARGEST => {
                wrong("/strokes", "too_long", format!("has {bytes} bytes of at most {LARGEST}"))
            }
            _ => Ok(()),
        }
    }
}

impl Consultations {
    /// Keeps a drawing, while doctor and patient are in the room: 409 `not_admitted` outside it.
    pub async fn save_annotations(
        &self,
        meta: CommandMeta,
        id: ConsultationId,
        new: NewAnnotations,
    ) -> Result<Annotations, Refusal> {
        new.check()?;
        let consultation = self.visible(&meta, id).await?;
        consultation.part_of(&meta.principal).ok_or(Refusal::not_found())?;
        let author_id = meta.principal.user_id().ok_or(Refusal::not_found())?;
        consultation.room_is_open()?;
        let saved = self.db.command(&meta, move |tx: &mut Tx<'_>| {
            if let Some(stored) = store::annotations_saved_before(tx, &consultation, author_id, &new)? {
                return Ok(stored);
            }
            if store::count_annotations(tx, id)? >= MOST_DRAWINGS {
                let detail = format!("A consultation keeps {MOST_DRAWINGS} drawings at most.");
                return Err(Refusal::field("/strokes", "too_many", detail).into());
            }
            let (strokes, saved_at) = (new.strokes.clone(), tx.now());
            let saved = Annotations { id: tx.new_id(), author_id, strokes, saved_at };
            store::insert_annotations(tx, &consultation, &saved, &new.client_annotation_id)?;
            let details = json!({"id": saved.id, "author_id": author_id, "saved_at": saved_at});
            tx.emit(Fact {
                entity: facts::entity(id),
                version: consultation.version,
                event_type: "annotations_saved",
                schema: 1,
                subject: consultation.patient_id.uuid(),
                data: &facts::with_context(&consultation, details.clone()),
            })?;
            tx.publish(&topic(id), "annotations_saved", consultation.patient_id.uuid(), &details)?;
            Ok(saved)
        });
        Ok(saved.await?)
    }

    /// The drawings that were kept, the oldest first, for participants. Not the patient's own reads are audited.
    pub async fn annotations(&self, meta: &CommandMeta, id: ConsultationId) -> Result<Vec<Annotations>, Refusal> {
        self.as_participant(meta, id, "read_annotations").await?;
        Ok(self.db.read(move |session| store::annotations(session, id)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stroke() -> Stroke {
        Stroke {
            tool: Tool::Pen,
            color: "#a3342b".to_owned(),
            width: 4,
            points: vec![(0.0, 0.5), (1.0, 0.25)],
            text: None,
        }
    }

    #[test]
    fn strokes_stay_inside_the_picture_and_its_limits() {
        assert_eq!(stroke().check(""), []);
        let wrong = |change: fn(&mut Stroke)| {
            let mut stroke = stroke();
            change(&mut stroke);
            stroke.check("/strokes/3").into_iter().map(|error| error.pointer).collect::<Vec<_>>()
        };
        assert_eq!(wrong(|stroke| stroke.color = "red".to_owned()), ["/strokes/3/color"]);
        assert_eq!(wrong(|stroke| stroke.color = "#a3342ü".to_owned()), ["/strokes/3/color"]);
        assert_eq!(wrong(|stroke| stroke.width = 0), ["/strokes/3/width"]);
        assert_eq!(wrong(|stroke| stroke.points = Vec::new()), ["/strokes/3/points"]);
        assert_eq!(wrong(|stroke| stroke.points = vec![(0.5, 1.01)]), ["/strokes/3/points"]);
        assert_eq!(wrong(|stroke| stroke.points = vec![(f64::NAN, 0.5)]), ["/strokes/3/points"]);
        assert_eq!(wrong(|stroke| stroke.points = vec![(0.5, 0.5); 2_001]), ["/strokes/3/points"]);
        assert_eq!(wrong(|stroke| stroke.text = Some("here".to_owned())), ["/strokes/3/text"]);
        assert_eq!(wrong(|stroke| stroke.tool = Tool::Text), ["/strokes/3/text"]);
    }

    #[test]
    fn drawings_have_a_name_and_a_size() {
        let drawing = |id: &str, strokes| NewAnnotations { client_annotation_id: id.to_owned(), strokes };
        assert!(drawing("a", vec![stroke()]).check().is_ok());
        assert!(drawing("", vec![stroke()]).check().is_err());
        assert!(drawing("a", Vec::new()).check().is_err());
        assert!(drawing("a", vec![stroke(); 501]).check().is_err());
        let long = Stroke { points: vec![(0.123_456_789, 0.987_654_321); 2_000], ..stroke() };
        assert!(drawing("a", vec![long]).check().is_err());
    }
}
