//! Why something about a file is refused.

consilium_kernel::refusals! {
    /// Why something about a file is refused.
    pub enum FileRefusal {
        TooLarge: TooLarge, "file_too_large", "The file is larger than this server accepts.";
        Quota: TooMany, "file_quota", "You have uploaded as much as is allowed in a day.";
        TooMany: Conflict, "too_many_uploads", "You have too many unfinished uploads. Finish or delete some.";
        ChunkTooLarge: TooLarge, "chunk_too_large", "The part is larger than this server accepts at once.";
        Overflow: Invalid, "upload_overflow", "The part goes beyond the length that was announced.";
        Offset: Conflict, "upload_offset", "The upload ends elsewhere. Ask with HEAD where to go on.";
        Busy: Conflict, "upload_busy", "Another request writes to this upload.";
        Finished: Conflict, "upload_finished", "The upload is complete.";
        Interrupted: Malformed, "unreadable_body", "The body could not be read to its end.";
        Checksum: Conflict, "checksum_mismatch", "The part is not what its checksum says. Nothing of it was kept.";
        ChecksumUnknown: Malformed, "checksum_unsupported", "Upload-Checksum is sha1 or sha256, a space, and base64 of the hash.";
        Active: Unsupported, "active_content", "Programs, scripts and markup such as HTML and SVG are not accepted.";
        Unsupported: Unsupported, "unsupported_file_type", "Files of this type are not accepted: send images, PDF, DICOM, text, office documents, audio or video.";
        CredentialType: Unsupported, "unsupported_credential_type", "Documents for a verification are PDF, JPEG or PNG.";
        NotReady: Conflict, "file_not_ready", "The file is not complete, or not yet checked.";
        Infected: Conflict, "file_infected", "The file was infected and has been removed.";
        Shared: Conflict, "file_is_shared", "The file is shown to others and cannot be deleted.";
        Erased: NotFound, "file_erased", "The file cannot be read any more: its patient's records were erased.";
        LinkInvalid: Forbidden, "link_invalid", "The link is not one of ours, or not for you.";
        LinkExpired: Forbidden, "link_expired", "The link has expired. Ask for a new one.";
        Unavailable: Unavailable, "files_unavailable", "Files cannot be reached at the moment. Please try again shortly.";
    }
}
