//! The Python layer: keyword arguments, with the place of each call where it is known.

use serde_json::Value as Json;

use super::field::{Field, Product};
use super::foreign::counterpart;
use super::nearest::nearest;
use super::origin::{Entry, Layer, Origin};
use super::problem::Problem;
use super::secrets;
use super::source::Place;
use super::value::{Raw, Value};

/// One keyword argument.
#[derive(Debug, Clone)]
pub struct Keyword {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Json,
    /// `name=value` in the source.
    pub place: Option<Place>,
    /// Where, for people: `shop.py:6`.
    pub from: String,
}

/// Reads keyword arguments; `python_only` names are taken without a look at the value.
pub fn read(
    product: &'static Product,
    fields: &'static [Field],
    python_only: &[&str],
    keywords: &[Keyword],
    problems: &mut Vec<Problem>,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for keyword in keywords {
        if python_only.contains(&keyword.name.as_str()) {
            continue;
        }
        let Some(index) = fields.iter().position(|field| field.name == keyword.name) else {
            let near = nearest(&keyword.name, fields.iter().map(|field| field.name));
            let foreign = counterpart(&keyword.name, fields);
            let label = match (foreign, near) {
                (Some(foreign), _) => foreign.said(|field| format!("`{}`", field.name)),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => format!("{} has no such field", product.class),
            };
            let problem = Problem::error(format!("unknown keyword `{}`", keyword.name));
            problems.push(match &keyword.place {
                Some(place) => problem.at(place.clone(), label),
                None => problem.help(label),
            });
            continue;
        };
        let field = &fields[index];
        let origin = Origin {
            layer: Layer::Python,
            name: keyword.from.clone(),
            place: keyword.place.clone(),
        };
        if field.derived {
            problems.push(
                Problem::error(format!("`{}` cannot be set", field.name))
                    .field(field.name)
                    .at(keyword.place.clone(), "this field is derived from others"),
            );
            continue;
        }
        let value = value(
            field,
            &Raw::from(&keyword.value),
            keyword.place.as_ref(),
            problems,
        );
        entries.push(Entry {
            field: index,
            value,
            origin,
            alias: None,
        });
    }
    entries
}

/// The value of one keyword argument; what is wrong with it is added to the problems. `None` unsets
/// what can be unset.
pub fn value(
    field: &Field,
    raw: &Raw,
    place: Option<&Place>,
    problems: &mut Vec<Problem>,
) -> Option<Value> {
    if *raw == Raw::Null && field.nullable {
        return Some(Value::Null);
    }
    match field.read(raw) {
        Ok(value) => Some(value),
        Err(mistake) => {
            let key = format!("`{}`", field.name);
            problems.extend(mistake.each().map(|mistake| {
                let found = secrets::hide_in(field, mistake.clone()).found;
                Problem::of_mistake(&key, field, mistake, place.cloned()).why_without_place(found)
            }));
            None
        }
    }
}
