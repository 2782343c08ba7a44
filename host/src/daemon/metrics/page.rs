//! The page for people.

use std::fmt::{self, Display, Write as _};

use crate::control::overview::{Account, Attempt, Key, Overview, Pipe, Target};
use crate::control::words::{bytes, count, time};
use crate::observe;

/// How everything is, as a page that asks for itself again.
pub(super) fn render(all: &Overview) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, all);
    page
}

fn write_page(page: &mut String, all: &Overview) -> fmt::Result {
    let open = all.pipes.iter().map(|pipe| pipe.numbers.open).sum();
    let summary =
        format!("{}, {}", count(all.pipes.len() as u64, "pipe"), count(open, "connection"));
    writeln!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"refresh\" content=\"5\">\n\
         <title>spiped: {summary}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>spiped</h1>\n<p>{summary}. Up {}, process {}, version {}.",
        time(all.now - all.started),
        all.pid,
        Html(&all.program_version)
    )?;
    for (attempt, what) in [(&all.last_reload, "reload"), (&all.last_upgrade, "upgrade")] {
        let Some(Attempt { when, succeeded, said }) = attempt else { continue };
        let (class, failed) = if *succeeded { ("", "") } else { ("bad", "failed ") };
        let ago = time(all.now - when);
        writeln!(
            page,
            "<span class=\"{class}\">Last {failed}{what} {ago} ago: {}</span>",
            Html(&said.replace('\n', "; "))
        )?;
    }
    page.push_str(
        "</p>\n<table>\n<thead><tr><th>Pipe<th>State<th class=\"n\">Open<th class=\"n\">Accepted\
         <th class=\"n\">Refused<th class=\"n\">Sent<th class=\"n\">Received<th>Targets</tr></thead>\n\
         <tbody>\n",
    );
    for pipe in &all.pipes {
        write_pipe(page, all, pipe)?;
    }
    writeln!(
        page,
        "</tbody>\n</table>\n<p><a href=\"/metrics\">Metrics</a> <a href=\"/healthz\">Health</a></p>\n\
         </body>\n</html>"
    )
}

fn write_pipe(page: &mut String, all: &Overview, pipe: &Pipe) -> fmt::Result {
    let Pipe { name, mode, state, sources, targets, connections_max, numbers, keys, .. } = pipe;
    let class = if state == "listening" { "" } else { "bad" };
    write!(
        page,
        "<tr><td><b>{}</b><br><small>{mode}, {}</small><td class=\"{class}\">{}\
         <td class=\"n\">{} of {connections_max}",
        Html(name),
        Html(&sources.join(", ")),
        state.replace('-', " "),
        numbers.open,
    )?;
    write_numbers(page, numbers)?;
    page.push_str("<td>");
    for target in targets {
        write_target(page, all, target)?;
    }
    page.push_str("</tr>\n");
    for Key { name, in_use, numbers } in keys {
        let former = if *in_use { "" } else { " (removed)" };
        let Account { open, .. } = numbers;
        write!(page, "<tr class=\"key\"><td>key {}{former}<td><td class=\"n\">{open}", Html(name))?;
        write_numbers(page, numbers)?;
        page.push_str("<td></tr>\n");
    }
    Ok(())
}

fn write_numbers(page: &mut String, numbers: &Account) -> fmt::Result {
    write!(
        page,
        "<td class=\"n\">{}<td class=\"n\">{}",
        numbers.accepted,
        numbers.refused_in_all()
    )?;
    for (reason, count) in numbers.refused.iter().filter(|(_, count)| **count > 0) {
        write!(page, "<br><small>{} {count}</small>", Html(&reason.replace('-', " ")))?;
    }
    let (sent, received) = (bytes(numbers.sent), bytes(numbers.received));
    write!(page, "<td class=\"n\">{sent}<td class=\"n\">{received}")
}

fn write_target(page: &mut String, all: &Overview, target: &Target) -> fmt::Result {
    let Target { address, reachable, since, last_error } = target;
    let since = time(all.now - since);
    let address = Html(address);
    match (reachable, last_error) {
        (Some(true), _) => write!(page, "<div>{address} reachable ({since})</div>"),
        (Some(false), error) => {
            let error = Html(error.as_deref().unwrap_or("not reachable"));
            write!(page, "<div class=\"bad\">{address} down ({since}): {error}</div>")
        }
        (None, _) => write!(page, "<div>{address}</div>"),
    }
}

/// Text that stays text.
struct Html<'a>(&'a str);

impl Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in observe::escape(self.0).chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 16px/1.4 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
th { font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.key td:first-child { padding-left: 2rem; }
.bad { color: light-dark(#b00020, #ff8a80); font-weight: 600; }
small { opacity: .75; }
a { margin-right: 1rem; }
";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn names_stay_text() {
        let hostile = "<script>alert(\"1\")</script>&\n\u{1b}[2J";
        let text = Html(hostile).to_string();
        assert_eq!(text, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;\\n\\u{1b}[2J");
    }
}
