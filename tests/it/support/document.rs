//! The OpenAPI file as the tests look things up in it.

use std::sync::LazyLock;

use serde_json::Value;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::to_value(api::http::openapi::document()).expect("the document is JSON")
});

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("a path item");
        item.iter()
            .filter(|(_, operation)| operation.get("operationId").is_some())
            .map(|(method, operation)| Operation::new(path, method, operation))
    });
    all.collect()
});

/// The whole document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// Every operation.
pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}

/// One operation of the document.
#[derive(Debug)]
pub struct Operation {
    /// The operationId.
    pub id: String,
    /// The method, such as `POST`.
    pub method: String,
    /// The path with its templates, from the root.
    pub path: String,
    /// The codes that it may be refused with.
    pub problems: Vec<String>,
    /// Whether it works without a token.
    pub public: bool,
    /// The operation as documented.
    pub json: &'static Value,
}

impl Operation {
    fn new(path: &str, method: &str, json: &'static Value) -> Self {
        let problems = json["x-problems"].as_array().into_iter().flatten();
        let security = json["security"].as_array().expect("a security");
        let nobody = |one: &Value| one.as_object().is_some_and(serde_json::Map::is_empty);
        Self {
            id: json["operationId"].as_str().expect("an operationId").to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            problems: problems.filter_map(|code| code.as_str().map(str::to_owned)).collect(),
            public: security.is_empty() || security.iter().any(nobody),
            json,
        }
    }

    /// What is documented for a status: nothing, an answer without a body, or its media type and
    /// schema.
    #[expect(clippy::option_option, reason = "undocumented and without a body are two things")]
    pub(super) fn response(
        &self,
        status: u16,
        answered: &str,
    ) -> Option<Option<(String, &'static Value)>> {
        let response = self.json["responses"].get(status.to_string())?;
        let content = || response["content"].as_object().into_iter().flatten();
        // Of several forms the one that was answered.
        let fits = content().find(|(media_type, _)| answered.starts_with(media_type.as_str()));
        let documented = fits.or_else(|| content().next());
        Some(documented.map(|(media_type, content)| (media_type.clone(), &content["schema"])))
    }

    /// The JSON body: its schema and its example.
    pub fn body(&self) -> Option<(&'static Value, &'static Value)> {
        let content = self.json["requestBody"]["content"].get("application/json")?;
        Some((&content["schema"], &content["example"]))
    }

    /// Its path with an id in the template, below `/api/v1`.
    pub fn path_with(&self, id: &str) -> String {
        let below = self.path.strip_prefix("/api/v1").unwrap_or(&self.path);
        below.replace("{id}", id)
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let (ours, theirs) = (self.path.split('/'), path.split('/'));
        self.method == method
            && ours.clone().count() == theirs.clone().count()
            && ours.zip(theirs).all(|(ours, theirs)| ours.starts_with('{') || ours == theirs)
    }
}

/// The operation that takes a request; a literal path goes before a template.
pub fn operation_of(method: &str, path: &str) -> Option<&'static Operation> {
    let fitting = operations().iter().filter(|operation| operation.matches(method, path));
    fitting.min_by_key(|operation| operation.path.matches('{').count())
}
