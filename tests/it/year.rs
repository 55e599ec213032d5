//! A year in the life of a community: 文兴社区 from New Year's Day of 2025 on, over HTTP, with 30 party
//! members, two merchants and a household in difficulty. Its chapters are the quarters
//! ([`first`] … [`fourth`]) and the years that close the books ([`closing`]).
//!
//! What has to come out stands in [`expected`], written by hand with the sums in words, as somebody who
//! keeps books would check it; nothing of it is computed by the program that it is compared with.

mod closing;
mod expected;
mod first;
mod fourth;
mod second;
mod story;
mod third;

use story::Story;

#[tokio::test]
async fn a_year_in_the_life_of_a_community() {
    let mut story = Story::begin().await;
    first::quarter(&mut story).await;
    second::quarter(&mut story).await;
    third::quarter(&mut story).await;
    fourth::quarter(&mut story).await;
    closing::year(&mut story).await;
    closing::next_years_end(&mut story).await;
}
