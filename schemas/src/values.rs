//! What a text should have been, read from the facets of its type.

use xsd_schema::types::FacetSet;
use xsd_schema::{SchemaSet, TypeKey};

use crate::violation::ViolationKind;

/// Steps up a chain of types; longer chains are not looked at.
const MAX_BASES: usize = 64;

/// Listed values in an expectation, at the most.
const MAX_LISTED: usize = 20;

/// The kind of a violation by the constraint the library names.
pub(crate) fn kind_of(constraint: &str) -> ViolationKind {
    match constraint {
        "cvc-maxLength-valid" => ViolationKind::TooLong,
        "cvc-minLength-valid" => ViolationKind::TooShort,
        "cvc-pattern-valid" => ViolationKind::Pattern,
        "cvc-enumeration-valid" => ViolationKind::NotListed,
        "cvc-minInclusive-valid" | "cvc-maxInclusive-valid" | "cvc-minExclusive-valid" | "cvc-maxExclusive-valid" => {
            ViolationKind::OutOfRange
        }
        "cvc-complex-type.2.1" | "cvc-complex-type.2.3" => ViolationKind::UnexpectedText,
        "cvc-length-valid" | "cvc-totalDigits-valid" | "cvc-fractionDigits-valid" => ViolationKind::BadValue,
        _ if constraint.starts_with("cvc-datatype-valid") || constraint.starts_with("cvc-simple-type") => {
            ViolationKind::BadValue
        }
        _ if constraint.starts_with("cvc-complex-type.3") || constraint.starts_with("cvc-attribute") => {
            ViolationKind::BadAttribute
        }
        "cvc-complex-type.4" => ViolationKind::BadAttribute,
        _ => ViolationKind::Other,
    }
}

/// What the type wants, for a violation of this kind.
pub(crate) fn expectation(kind: ViolationKind, key: Option<TypeKey>, set: &SchemaSet) -> Option<String> {
    let key = key?;
    let first = |pick: &dyn Fn(&FacetSet) -> Option<String>| chain(key, set).find_map(pick);
    match kind {
        ViolationKind::TooLong => first(&|facets| facets.max_length.as_ref().map(|facet| format!("≤ {}", facet.value))),
        ViolationKind::TooShort => {
            first(&|facets| facets.min_length.as_ref().map(|facet| format!("≥ {}", facet.value)))
        }
        ViolationKind::Pattern => first(&|facets| {
            let pattern = facets.patterns.last()?.first()?;
            Some(plain_form(&pattern.value))
        }),
        ViolationKind::NotListed => first(&|facets| {
            let mut values: Vec<&str> = facets.enumeration.as_ref()?.values.iter().map(String::as_str).collect();
            values.sort_unstable();
            values.truncate(MAX_LISTED);
            Some(values.join(", "))
        }),
        ViolationKind::OutOfRange => range(key, set).or_else(|| builtin(key, set)),
        ViolationKind::BadValue => builtin(key, set),
        _ => None,
    }
}

fn range(key: TypeKey, set: &SchemaSet) -> Option<String> {
    let low = chain(key, set).find_map(|facets| facets.min_inclusive.as_ref())?;
    let high = chain(key, set).find_map(|facets| facets.max_inclusive.as_ref())?;
    Some(format!("{}..{}", low.value, high.value))
}

/// The nearest built-in type, e.g. `xs:int`.
fn builtin(key: TypeKey, set: &SchemaSet) -> Option<String> {
    let schema_namespace = set.name_table.get("http://www.w3.org/2001/XMLSchema");
    types(key, set).find_map(|step| {
        let simple = set.arenas.get_simple_type(step.as_simple()?)?;
        let name = simple.name.filter(|_| simple.target_namespace == schema_namespace)?;
        Some(format!("xs:{}", set.name_table.try_resolve(name)?))
    })
}

/// A type and its bases, outermost derivation first.
fn types(key: TypeKey, set: &SchemaSet) -> impl Iterator<Item = TypeKey> + '_ {
    let base = |step: &TypeKey| match step {
        TypeKey::Simple(simple) => set.arenas.get_simple_type(*simple)?.resolved_base_type,
        TypeKey::Complex(complex) => set.arenas.get_complex_type(*complex)?.resolved_base_type,
    };
    std::iter::successors(Some(key), base).take(MAX_BASES)
}

fn chain(key: TypeKey, set: &SchemaSet) -> impl Iterator<Item = &FacetSet> + '_ {
    types(key, set).filter_map(|step| set.arenas.get_simple_type(step.as_simple()?)).map(|simple| &simple.facets)
}

pub(crate) const DATE_FORM: &str = "yyyy/MM/dd";
pub(crate) const STAMP_FORM: &str = "yyyy/MM/dd HH:mm:ss";
pub(crate) const NUMBER_FORM: &str = "0..999999999";
pub(crate) const CONTENT_ID_FORM: &str = "cid:…";
pub(crate) const EMAIL_FORM: &str = "ten@coquan.gov.vn";

/// Says in plain words what a pattern of the built-in schemas means. Another pattern stands for itself.
fn plain_form(pattern: &str) -> String {
    let form = match pattern {
        _ if pattern.contains("[0-9]{4}/") && pattern.contains(":[0-5][0-9]") => STAMP_FORM,
        _ if pattern.contains("[0-9]{4}/") => DATE_FORM,
        r"([+\-]?[0-9]{1,9})?" => NUMBER_FORM,
        "[0-9]{1,3}" => "0..999",
        "cid:.+" => CONTENT_ID_FORM,
        _ if pattern.contains("@[A-Za-z0-9") => EMAIL_FORM,
        _ => pattern,
    };
    form.to_owned()
}
