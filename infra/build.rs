//! Embeds the migrations anew when one is added: the macro that embeds them sees no new file.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
