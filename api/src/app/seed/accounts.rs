//! The staff of the demo district: one account for every desk. Residents come by themselves, by
//! their first log-in with `demo:<name>`.

use domain::{
    identity::{Grant, Role},
    org::NodeKind,
    work_unit::WorkUnit,
};
use infra::postgres::identity::staff::Staff;

use super::district::District;

/// The desks of the district.
const DISTRICT: [(&str, Role, &str); 9] = [
    ("dispatcher", Role::Dispatcher, "区中心派单员"),
    ("supervisor", Role::Supervisor, "区督查员"),
    ("organiser", Role::Organiser, "区委组织部组织员"),
    // What moves points by hand takes two.
    ("organiser.2", Role::Organiser, "区委组织部第二组织员"),
    ("leader", Role::Leader, "区领导"),
    ("auditor", Role::Auditor, "审计员"),
    ("security", Role::SecurityAdmin, "安全管理员"),
    // Who gives a role takes another to approve it.
    ("security.2", Role::SecurityAdmin, "第二安全管理员"),
    ("sysadmin", Role::SystemAdmin, "系统管理员"),
];

/// The desks of each unit of a kind: the word before the dot, the role, and what the unit's name
/// is followed by.
const UNITS: [(NodeKind, &str, Role, &str); 8] = [
    (NodeKind::Subdistrict, "subdistrict", Role::SubdistrictOfficer, "工作者"),
    (NodeKind::Community, "community", Role::CommunityOfficer, "工作者"),
    (NodeKind::Village, "community", Role::CommunityOfficer, "工作者"),
    (NodeKind::Department, "dept", Role::DepartmentClerk, "经办人"),
    (NodeKind::Department, "head", Role::DepartmentHead, "负责人"),
    (NodeKind::Utility, "dept", Role::DepartmentClerk, "经办人"),
    (NodeKind::Utility, "head", Role::DepartmentHead, "负责人"),
    (NodeKind::PartyBranch, "secretary", Role::BranchSecretary, "书记"),
];

/// The staff of a district.
pub fn of(district: &District) -> Vec<Staff> {
    let desks = DISTRICT
        .iter()
        .map(|(username, role, name)| staff(username, *role, district.code.as_str(), name));
    let units = UNITS.iter().flat_map(|(kind, word, role, post)| {
        district.of_kind(*kind).map(move |unit| {
            let username = format!("{word}.{}", unit.code);
            staff(&username, *role, unit.code.as_str(), &format!("{}{post}", unit.name))
        })
    });
    let merchant = [
        staff("merchant.wenxing", Role::MerchantClerk, "wenxing", "文兴示范商户店员"),
        staff("manager.wenxing", Role::MerchantManager, "wenxing", "文兴示范商户负责人"),
    ];
    desks.chain(units).chain(merchant).collect()
}

/// The liaison of each work unit.
pub fn liaisons(units: &[WorkUnit]) -> impl Iterator<Item = Staff> {
    units.iter().map(|unit| {
        let username = format!("liaison.{}", unit.code);
        let name = format!("{}党组织联络员", unit.name);
        staff(&username, Role::UnitLiaison, unit.code.as_str(), &name)
    })
}

fn staff(username: &str, role: Role, scope: &str, display_name: &str) -> Staff {
    Staff {
        username: username.to_owned(),
        display_name: display_name.to_owned(),
        grant: Grant { role, scope: scope.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::app::seed::district;

    #[test]
    fn every_desk_has_one_account() {
        let staff = of(&district::load().unwrap());
        // 9 of the district, 18 subdistricts, 155 communities, 47 villages, 53 × 2, 18 party
        // branches, one merchant's two.
        assert_eq!(staff.len(), 9 + 18 + 155 + 47 + 53 * 2 + 18 + 2);
        let usernames: HashSet<&str> = staff.iter().map(|one| one.username.as_str()).collect();
        assert_eq!(usernames.len(), staff.len());
        for wanted in [
            "subdistrict.140213066",
            "community.140213066004",
            "community.140213066201",
            "dept.urban-management",
            "head.power-grid",
            "secretary.party-140213066004-01",
            "merchant.wenxing",
            "manager.wenxing",
        ] {
            assert!(usernames.contains(wanted), "{wanted}");
        }
    }

    /// System, security and audit administration are never one person's.
    #[test]
    fn administration_is_apart() {
        let staff = of(&district::load().unwrap());
        for role in [Role::SystemAdmin, Role::SecurityAdmin, Role::Auditor] {
            let holders: Vec<&Staff> = staff.iter().filter(|one| one.grant.role == role).collect();
            assert_eq!(holders.len(), if role == Role::SecurityAdmin { 2 } else { 1 }, "{role}");
            for holder in holders {
                let other = staff.iter().filter(|one| one.username == holder.username).count();
                assert_eq!(other, 1, "{role} is held beside another role");
            }
        }
    }
}
