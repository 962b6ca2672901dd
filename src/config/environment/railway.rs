//! What Railway tells a service of its address, by variables of its own names.

use super::{Reader, Variable, Variables};
use crate::config::value::Value;

impl Reader<'_> {
    /// Port, host and host names that nothing else has set.
    pub(super) fn railway(&mut self, variables: &Variables) {
        let public = variables.get("RAILWAY_PUBLIC_DOMAIN").cloned();
        let there = public.is_some() || variables.get("RAILWAY_ENVIRONMENT_ID").is_some();
        if let Some(port) = variables.get("PORT").cloned()
            && !self.has("port")
            && let Some(index) = self.index("port")
        {
            self.known(index, "PORT", &port);
        }
        if there && !self.has("host") {
            let name = if public.is_some() {
                "RAILWAY_PUBLIC_DOMAIN"
            } else {
                "RAILWAY_ENVIRONMENT_ID"
            };
            if let Some(variable) = variables.get(name).cloned() {
                self.derive("host", Value::Text("0.0.0.0".into()), name, &variable);
            }
        }
        if let Some(domain) = public
            && !domain.value.is_empty()
            && !self.has("allowed_hosts")
        {
            let hosts = vec![domain.value.clone(), "healthcheck.railway.app".to_owned()];
            self.derive(
                "allowed_hosts",
                Value::List(hosts),
                "RAILWAY_PUBLIC_DOMAIN",
                &domain,
            );
        }
    }

    fn has(&self, name: &str) -> bool {
        let index = self.index(name);
        self.layer
            .entries
            .iter()
            .any(|entry| Some(entry.field) == index)
    }

    fn derive(&mut self, field: &str, value: Value, name: &str, variable: &Variable) {
        let Some(index) = self.index(field) else {
            return;
        };
        let origin = self.origin(name, &variable.value, false, variable);
        let value = (self.fields[index].check)(&value).map(|()| value);
        self.entry(index, name, value, origin);
    }
}
