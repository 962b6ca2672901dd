//! How to write a setting so that it takes effect: in the layer that decides it now.

use serde_json::Value as Json;

use crate::config::{AppConfig, Layer, Resolved};

/// What to type to give an app's setting a value, for a person who has read where it is set now.
///
/// A keyword outranks variables and file, so a set keyword is only ever corrected in place.
pub(super) fn set(resolved: &Resolved<AppConfig>, name: &str, value: &Json) -> String {
    let keyword = format!("AppConfig({name}={})", python(value));
    let variable = || {
        resolved
            .variable(name)
            .map(|variable| format!("{variable}={}", variable_text(value)))
    };
    let origin = &resolved.setting(name).origin;
    match origin.layer {
        // `AppConfig.from_env` with a prefix of its own: the code says what a variable holds.
        Layer::Python if resolved.variable(name).as_ref() == Some(&origin.name) => {
            variable().unwrap_or(keyword)
        }
        Layer::Python => keyword,
        Layer::Environment => variable().unwrap_or(keyword),
        Layer::File => format!("{name} = {value}"),
        Layer::Default | Layer::Flag => match variable() {
            Some(variable) => format!("{keyword} or {variable}"),
            None => keyword,
        },
    }
}

fn python(value: &Json) -> String {
    match value {
        Json::Null => "None".into(),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Array(items) => match items.as_slice() {
            [single] => format!("({},)", python(single)),
            items => {
                let items: Vec<_> = items.iter().map(python).collect();
                format!("({})", items.join(", "))
            }
        },
        other => other.to_string(),
    }
}

fn variable_text(value: &Json) -> String {
    match value {
        Json::String(text) if text.contains([' ', ';']) => format!("{value}"),
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(variable_text).collect();
            items.join(",")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::environment::Variables;
    use crate::config::keywords::Keyword;
    use crate::config::{Inputs, Sources, resolve};

    #[test]
    fn an_unset_value_can_be_set_in_two_ways() {
        let resolved = resolve(&Inputs::default(), &mut Sources::default());
        assert_eq!(
            set(&resolved, "allowed_hosts", &json!(["shop.example"])),
            "AppConfig(allowed_hosts=(\"shop.example\",)) or CHIRP_ALLOWED_HOSTS=shop.example"
        );
        assert_eq!(
            set(
                &resolved,
                "strict_transport_security",
                &json!("max-age=1; x")
            ),
            "AppConfig(strict_transport_security=\"max-age=1; x\") \
             or CHIRP_STRICT_TRANSPORT_SECURITY=\"max-age=1; x\""
        );
    }

    #[test]
    fn a_keyword_is_corrected_where_it_stands() {
        let inputs = Inputs {
            keywords: vec![Keyword {
                name: "debug".into(),
                value: json!(true),
                place: None,
                from: "shop.py:6".into(),
            }],
            ..Inputs::default()
        };
        let resolved = resolve(&inputs, &mut Sources::default());
        assert_eq!(
            set(&resolved, "debug", &json!(false)),
            "AppConfig(debug=False)"
        );
    }

    #[test]
    fn a_variable_is_corrected_as_a_variable() {
        let inputs = Inputs {
            variables: Some(Variables::from_pairs([("CHIRP_DEBUG".into(), "1".into())])),
            ..Inputs::default()
        };
        let resolved = resolve(&inputs, &mut Sources::default());
        assert_eq!(set(&resolved, "debug", &json!(false)), "CHIRP_DEBUG=false");
    }
}
