//! Links to objects in S3 that work for a while: "Authenticating Requests: Using Query Parameters
//! (AWS Signature Version 4)", Amazon S3 API Reference
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>).

use consilium_provider::{
    http::encode,
    signed::{hex, sha256},
};
use jiff::Timestamp;
use ring::hmac;

/// A bucket and who may read it.
pub(crate) struct Bucket<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) region: &'a str,
    pub(crate) name: &'a str,
    pub(crate) access_key: &'a str,
    pub(crate) secret: &'a str,
}

/// A GET link in path style; none when the endpoint is no URL.
pub(crate) fn presigned(bucket: &Bucket<'_>, object: &str, now: Timestamp, seconds: u32) -> Option<String> {
    let (_, host) = bucket.endpoint.split_once("://")?;
    let path: Vec<String> = std::iter::once(bucket.name).chain(object.split('/')).map(encode).collect();
    Some(signed(bucket, host, &format!("/{}", path.join("/")), now, seconds))
}

fn signed(bucket: &Bucket<'_>, host: &str, path: &str, now: Timestamp, seconds: u32) -> String {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = now.strftime("%Y%m%d").to_string();
    let scope = format!("{day}/{}/s3/aws4_request", bucket.region);
    let credential = encode(&format!("{}/{scope}", bucket.access_key));
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={time}&X-Amz-Expires={seconds}\
         &X-Amz-SignedHeaders=host"
    );
    let canonical = format!("GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
    let start = format!("AWS4{}", bucket.secret).into_bytes();
    let key = [day.as_str(), bucket.region, "s3", "aws4_request"].iter().fold(start, |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &to_sign));
    let scheme = bucket.endpoint.split_once("://").map_or("https", |(scheme, _)| scheme);
    format!("{scheme}://{host}{path}?{query}&X-Amz-Signature={signature}")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: Bucket<'_> = Bucket {
        endpoint: "https://examplebucket.s3.amazonaws.com",
        region: "us-east-1",
        name: "examplebucket",
        access_key: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    };

    /// The example of the page named above, whose bucket is in the host.
    #[test]
    fn the_signature_is_that_of_the_published_example() {
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let link = signed(&BUCKET, "examplebucket.s3.amazonaws.com", "/test.txt", now, 86_400);
        let signature = link.rsplit_once("&X-Amz-Signature=").unwrap().1;
        assert_eq!(signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    }

    #[test]
    fn the_bucket_is_the_first_part_of_the_path() {
        let bucket = Bucket { endpoint: "http://127.0.0.1:9000", ..BUCKET };
        let link = presigned(&bucket, "a folder/b.mp4", "2026-11-20T09:00:00Z".parse().unwrap(), 60).unwrap();
        assert!(link.starts_with("http://127.0.0.1:9000/examplebucket/a%20folder/b.mp4?X-Amz-"), "{link}");
        assert_eq!(presigned(&Bucket { endpoint: "nowhere", ..BUCKET }, "b", Timestamp::UNIX_EPOCH, 60), None);
    }
}
