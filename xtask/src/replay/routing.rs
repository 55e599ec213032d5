//! Who gets an appeal, by words in it: simple rules, enough to spread real texts over real
//! departments. What they judge is never used for anything but the replay.

/// What the centre decides about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `kind` of the complaint.
    pub kind: &'static str,
    /// `urgency` at acceptance.
    pub urgency: &'static str,
    /// The lead department's code.
    pub lead: &'static str,
    /// The community that it is filed under.
    pub community: &'static str,
}

/// The first rule with a word in the title wins, then the first with a word in the content.
const LEADS: &[(&str, &str)] = &[
    ("power-grid", "停电 用电 电网 变电站 电表 电压"),
    ("water", "自来水 供水 停水 排水 水库 河道 水费"),
    ("traffic-police", "违停 红绿灯 交警 堵车 超载 驾照 车牌"),
    ("transport", "公交 出租车 地铁 道路 修路 路面 客运 网约车 高速"),
    ("education", "学校 教育 老师 教师 幼儿园 小学 中学 学生 高考 培训"),
    ("medical-insurance", "医保 报销"),
    ("health", "医院 医生 卫生院 疫苗 生育 独生子女"),
    ("human-resources", "社保 工资 劳动 就业 退休 养老保险 职称 人才"),
    ("civil-affairs", "低保 殡葬 养老院 救助 社工"),
    ("veterans", "退伍 退役 军人"),
    ("housing-fund", "公积金"),
    ("expropriation", "拆迁 征收 安置"),
    ("housing", "物业 房产 楼盘 业主 小区 开发商 购房 电梯 维修基金 住房 房屋"),
    ("natural-resources", "规划 土地 用地 不动产 宅基地"),
    ("ecology", "污染 排污 废气 废水 粉尘 臭味 环保"),
    ("urban-management", "噪音 夜市 摊贩 占道 垃圾 路灯 违建 广告牌 油烟 城管 施工"),
    ("market-supervision", "价格 收费 消费 假货 食品 商家 传销 营业执照"),
    ("public-security", "诈骗 户籍 户口 派出所 赌博 警察 治安"),
    ("emergency", "安全生产 矿 爆炸"),
    ("fire-rescue", "消防 火灾"),
    ("tax", "税"),
    ("agriculture", "农业 养殖 农田 种植 村"),
    ("culture-tourism", "旅游 文化 景区 网吧"),
    ("disabled", "残疾"),
];

/// Whoever nothing points to.
const FALLBACK: &str = "petitions";

const KINDS: &[(&str, &str)] = &[
    ("inquiry", "咨询 请问 询问"),
    ("report", "举报"),
    ("grievance", "投诉 控诉"),
    ("suggestion", "建议 希望 盼望 呼吁"),
    ("praise", "感谢 表扬"),
];

/// None is an emergency: its clocks run out within the replay.
const URGENCIES: &[(&str, &str)] = &[
    ("inquiry", "咨询 请问 询问"),
    ("hard", "拆迁 征收 产权 历史遗留"),
    ("utility", "停水 停电 停气 供暖 暖气"),
];

/// Communities of the demo district.
const COMMUNITIES: [&str; 4] = ["140213066001", "140213066002", "140213066003", "140213066004"];

/// The route of an appeal; the same texts have the same route each time.
pub fn route(title: &str, content: &str, number: &str) -> Route {
    let by_title = |rules| first(rules, title);
    let turn: usize = number.bytes().map(usize::from).sum();
    Route {
        kind: by_title(KINDS).unwrap_or("help"),
        urgency: by_title(URGENCIES).unwrap_or("ordinary"),
        lead: by_title(LEADS).or_else(|| first(LEADS, content)).unwrap_or(FALLBACK),
        community: COMMUNITIES.get(turn % COMMUNITIES.len()).copied().unwrap_or_default(),
    }
}

fn first(rules: &[(&'static str, &str)], text: &str) -> Option<&'static str> {
    rules
        .iter()
        .find(|(_, words)| words.split_whitespace().any(|word| text.contains(word)))
        .map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_comes_before_the_content() {
        let route = route("小区物业乱收费", "门口的路灯也不亮", "1");
        assert_eq!(route.lead, "housing");
        assert_eq!(super::route("请帮帮我", "门口的路灯不亮", "1").lead, "urban-management");
        assert_eq!(super::route("请帮帮我", "说来话长", "1").lead, FALLBACK);
    }

    #[test]
    fn the_kind_and_the_urgency_follow_the_title() {
        let route = |title| super::route(title, "", "1");
        assert_eq!(
            (route("咨询医保报销").kind, route("咨询医保报销").urgency),
            ("inquiry", "inquiry")
        );
        assert_eq!(route("举报违建").kind, "report");
        assert_eq!(route("小区停水三天").urgency, "utility");
        assert_eq!((route("路灯不亮").kind, route("路灯不亮").urgency), ("help", "ordinary"));
    }

    #[test]
    fn every_community_gets_its_share() {
        let number = |n: u32| (188_000 + n).to_string();
        for community in COMMUNITIES {
            let share = (0..400).filter(|n| route("", "", &number(*n)).community == community);
            assert!((50..150).contains(&share.count()), "{community}");
        }
    }
}
