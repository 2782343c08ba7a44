//! WIT to documentation.

use anyhow::{Context as _, Result};
use wit_bindgen_core::Files;
use wit_parser::Resolve;

/// A folder of WIT to a page of Markdown: the world with all interfaces.
pub(crate) fn document(wit: &str) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], Some("native"))?;
    let mut files = Files::default();
    wit_bindgen_markdown::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    let markdown = files.iter().find(|(name, _)| *name == "native.md");
    let (_, markdown) = markdown.context("the generator made no Markdown")?;
    let mut markdown = String::from_utf8(markdown.to_vec())?;
    // What the generator leaves out: the text about each exported interface.
    for (id, interface) in &resolve.interfaces {
        let name = resolve.id_of(id).unwrap_or_default();
        let heading = format!("Export interface {name}\n");
        let text = interface.docs.contents.as_deref().unwrap_or_default();
        // Below that heading.
        let text = text.replace("\n## ", "\n### ");
        markdown = markdown.replace(&heading, &format!("{heading}\n{text}\n"));
    }
    let about = &resolve.packages[package].docs.contents;
    let title = "# The component's interface\n\nRendered from `wit/` by `make wit-docs`.";
    let head = format!("{title}\n\n{}\n\n", about.as_deref().unwrap_or_default());
    Ok(head + &markdown)
}
