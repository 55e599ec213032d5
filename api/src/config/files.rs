//! Where photos and voice lie, and how many.

use serde::Deserialize;

use super::Secret;

/// Photos and voice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Where uploads wait, and where files lie when the store is local.
    pub directory: String,
    /// Where files lie.
    pub store: FileStore,
    /// The address of a store that speaks S3.
    pub s3_endpoint: String,
    /// The region that its requests are signed for.
    pub s3_region: String,
    /// The bucket.
    pub s3_bucket: String,
    /// The id of the key to it.
    pub s3_key_id: String,
    /// The key to it.
    pub s3_secret: Secret,
    /// Files that one person uploads in 24 hours at most.
    pub per_day: u32,
    /// Megabytes that one person uploads in 24 hours at most.
    pub megabytes_per_day: u32,
    /// The longest voice, in minutes.
    pub voice_minutes: u32,
}

impl Files {
    /// What one person may upload in 24 hours.
    pub fn quota(&self) -> domain::attachment::Quota {
        domain::attachment::Quota {
            files: self.per_day.into(),
            bytes: i64::from(self.megabytes_per_day) * 1024 * 1024,
        }
    }

    /// The store.
    ///
    /// # Errors
    /// The directory or the bucket's address cannot be used.
    pub fn open(&self) -> Result<infra::storage::Storage, infra::storage::Unusable> {
        use infra::storage::{Bucket, Place, Storage};
        let place = match self.store {
            FileStore::Local => Place::Local,
            FileStore::S3 => Place::S3(Bucket {
                endpoint: &self.s3_endpoint,
                region: &self.s3_region,
                name: &self.s3_bucket,
                key_id: &self.s3_key_id,
                secret: self.s3_secret.expose(),
            }),
        };
        Storage::new(&self.directory, &place)
    }
}

/// Where files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStore {
    /// In the local directory.
    Local,
    /// In a bucket that speaks S3.
    S3,
}
