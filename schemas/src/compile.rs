//! From a catalogue's bytes to something that validates.
//!
//! A [`Validator`] may move between threads but is not shared: the library keeps its table of names in cells. The
//! table only ever grows, by the names that packets bring along, so a validator measures it and says when it is
//! [`worn`](Validator::is_worn); honest packets never wear one out.
//!
//! Before it validates, content models are made of the schema. These borrow it and are bound to one thread: a
//! [`Prepared`] keeps both for many packets, and gives the [`Validator`] back when its thread is done with it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use xsd_schema::validation::{SchemaValidator, ValidationFlags};
use xsd_schema::{SchemaError, SchemaLoader, SchemaResolver, SchemaResult, SchemaSet, SchemaSetBuilder, XsdVersion};

use crate::catalogue::{Entry, Profile};
use crate::drive::{self, Limits};
use crate::error::Error;
use crate::structure::Models;
use crate::violation::Violation;
use crate::{QCVN_NAMESPACE, ROOT};

/// Names of files a schema may consist of, and their text.
pub(crate) type Files = Arc<BTreeMap<String, String>>;

/// Files are given to the library under this made-up address, so that no include can name a real one.
const BASE: &str = "lienthong://catalogue/";

/// Bytes the table of names may grow by before the validator is thrown away.
const MAX_NAME_GROWTH: usize = 256 << 10;

/// A compiled schema.
pub struct Validator {
    set: SchemaSet,
    profile: Profile,
    limits: Limits,
    names_at_start: usize,
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl Validator {
    /// Compiles a schema; a few milliseconds.
    ///
    /// # Errors
    /// The schema is wrong, includes a file the catalogue does not list, or does not declare the root element.
    pub(crate) fn compile(entry: &Entry, files: &Files, limits: Limits) -> Result<Self, Error> {
        let schema_error = |message: String| Error::Schema { id: entry.id.clone(), file: entry.file.clone(), message };
        let resolver = SchemaResolver::with_loader(Box::new(Loader { files: Arc::clone(files) }));
        let text = files.get(&entry.file).ok_or_else(|| schema_error("the file was not loaded".to_owned()))?;
        let compiled = SchemaSetBuilder::with_resolver(resolver, XsdVersion::V1_0)
            .add_source(text, &format!("{BASE}{}", entry.file))
            .and_then(SchemaSetBuilder::compile);
        // A name that cannot be resolved because its file is missing is reported as the missing file where possible.
        let compiled = compiled.map_err(|error| schema_error(error.to_string().replace(BASE, "")))?;
        if let Some(failure) = compiled.directive_failures().first() {
            return Err(Error::MissingImport {
                id: entry.id.clone(),
                file: entry.file.clone(),
                location: failure.schema_location().unwrap_or("(no schemaLocation)").to_owned(),
                message: failure.error().to_string().replace(BASE, ""),
            });
        }
        let set = compiled.into_schema_set();
        let key = set.name_table.get(QCVN_NAMESPACE).zip(set.name_table.get(ROOT));
        if key.and_then(|(namespace, name)| set.lookup_element(Some(namespace), name)).is_none() {
            return Err(schema_error(format!("it does not declare the element {ROOT} of {QCVN_NAMESPACE}")));
        }
        let prepared = SchemaValidator::new(&set, ValidationFlags::empty());
        if let Some((_, reason)) = prepared.content_model_failures().first() {
            return Err(schema_error((*reason).to_owned()));
        }
        drop(prepared);
        let names_at_start = set.name_table.heap_bytes();
        Ok(Self { set, profile: entry.profile, limits, names_at_start })
    }

    /// Validates one packet. The violations are in the order of the bytes.
    ///
    /// # Errors
    /// The bytes are no XML, break a limit, or the library gave up.
    pub fn validate(&self, xml: &[u8]) -> Result<Vec<Violation>, Error> {
        drive::run(&self.models(), &self.set, self.profile, &self.limits, xml)
    }

    fn models(&self) -> Models<'_> {
        Models::of(SchemaValidator::new(&self.set, ValidationFlags::empty()))
    }

    /// True when the packets seen so far have filled the table of names; drop the validator and compile another.
    #[must_use]
    pub fn is_worn(&self) -> bool {
        self.set.name_table.heap_bytes().saturating_sub(self.names_at_start) > MAX_NAME_GROWTH
    }
}

self_cell::self_cell!(
    /// A validator and the content models made of it, for one thread.
    pub(crate) struct Prepared {
        owner: Validator,
        #[covariant]
        dependent: Models,
    }
);

impl Prepared {
    pub(crate) fn of(validator: Validator) -> Self {
        Self::new(validator, Validator::models)
    }

    /// As [`Validator::validate`].
    ///
    /// # Errors
    /// As there.
    pub(crate) fn validate(&self, xml: &[u8]) -> Result<Vec<Violation>, Error> {
        let validator = self.borrow_owner();
        drive::run(self.borrow_dependent(), &validator.set, validator.profile, &validator.limits, xml)
    }

    pub(crate) fn is_worn(&self) -> bool {
        self.borrow_owner().is_worn()
    }
}

/// Gives the library files of the catalogue and nothing else.
#[derive(Debug)]
struct Loader {
    files: Files,
}

impl SchemaLoader for Loader {
    fn load(&self, location: &str) -> SchemaResult<String> {
        let found = location.strip_prefix(BASE).and_then(|file| self.files.get(file));
        found.cloned().ok_or_else(|| SchemaError::resolution(format!("the catalogue does not list {location}")))
    }

    fn can_load(&self, _location: &str) -> bool {
        true
    }
}
