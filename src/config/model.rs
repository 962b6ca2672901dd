//! The macro that declares a configuration: its struct, its table of fields, and how values become it.

/// Declares a configuration: the struct, its table of fields, and how values become the struct.
macro_rules! config_model {
    (
        $(#[doc = $model_doc:literal])+
        pub struct $Model:ident of $product:ident {
            $( [$topic:literal]
               $( $(#[doc = $doc:literal])+ $field:ident: $Type:ty = $spec:expr; )+
            )+
        }
    ) => {
        $(#[doc = $model_doc])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Model {
            $( $( $(#[doc = $doc])+ pub $field: $Type, )+ )+
        }

        impl $crate::config::field::Model for $Model {
            const PRODUCT: &'static $crate::config::field::Product = &$crate::config::field::$product;

            fn fields() -> &'static [$crate::config::field::Field] {
                use $crate::config::field::{Field, Topic};
                const FIELDS: &[Field] = &[
                    $( $( Field {
                        name: stringify!($field),
                        doc: concat!($($doc, "\n"),+),
                        topic: Topic($topic),
                        check: |value| {
                            <$Type as $crate::config::types::FromValue>::from_value(value).map(|_| ())
                        },
                        ..$spec
                    }, )+ )+
                ];
                FIELDS
            }

            fn from_values(
                values: &[$crate::config::value::Value],
            ) -> Result<Self, $crate::config::value::Mistake> {
                let mut values = values.iter();
                let mut next = || values.next().unwrap_or(&$crate::config::value::Value::Null);
                Ok(Self {
                    $( $( $field: $crate::config::types::FromValue::from_value(next())?, )+ )+
                })
            }
        }

        impl std::default::Default for $Model {
            fn default() -> Self {
                use $crate::config::field::Model as _;
                let values: Vec<_> = Self::fields().iter().map(|field| field.default.value()).collect();
                // A test proves that the defaults fit their fields.
                Self::from_values(&values).unwrap_or_else(|mistake| {
                    unreachable!("{}: a default does not fit: {mistake:?}", stringify!($Model))
                })
            }
        }
    };
}
pub(crate) use config_model;
