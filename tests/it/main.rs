//! End to end: the real router over HTTP, real PostgreSQL, real Redis. One file for each word.

#[cfg(test)]
mod announcement;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod attachment;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod badinput;
#[cfg(test)]
mod bulletin;
#[cfg(test)]
mod calendar;
#[cfg(test)]
mod complaint;
#[cfg(test)]
mod consultation;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod docs;
#[cfg(test)]
mod duty;
#[cfg(test)]
mod enforcement;
#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod export;
#[cfg(test)]
mod fairness;
#[cfg(test)]
mod feedback;
#[cfg(test)]
mod final_reply;
#[cfg(test)]
mod follow_up;
#[cfg(test)]
mod generate;
#[cfg(test)]
mod grant;
mod guide;
#[cfg(test)]
mod household;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod invitation;
#[cfg(test)]
mod live;
#[cfg(test)]
mod merchant;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod note;
#[cfg(test)]
mod notification;
#[cfg(test)]
mod offer;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod ops;
#[cfg(test)]
mod pairing;
#[cfg(test)]
mod party;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod points;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod redemption;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod request;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod score;
#[cfg(test)]
mod screening;
#[cfg(test)]
mod search;
#[cfg(test)]
mod service;
#[cfg(test)]
mod story;
#[cfg(test)]
mod supervision;
#[cfg(test)]
mod support;
#[cfg(test)]
mod task;
#[cfg(test)]
mod template;
#[cfg(test)]
mod track;
#[cfg(test)]
mod view;
#[cfg(test)]
mod wechat;
#[cfg(test)]
mod whistle;
#[cfg(test)]
mod work_unit;
#[cfg(test)]
mod year;
