//! Scaling of money amounts during a schema change.

use model::currency;

/// Minor units in one unit of a currency; an unknown code counts like most currencies.
pub fn factor(code: &str) -> u32 {
    10_u32.pow(currency::exponent(code))
}

/// SQL for the minor units in one unit of the currency in this column.
pub fn factor_sql(column: &str) -> String {
    let arm = |factor_wanted: u32| {
        let codes = currency::codes().into_iter().filter(|code| factor(code) == factor_wanted);
        let codes: Vec<_> = codes.map(|code| format!("'{code}'")).collect();
        format!("when {column} in ({}) then {factor_wanted}", codes.join(", "))
    };
    format!("(case {} {} {} else 100 end)::numeric", arm(1), arm(1_000), arm(10_000))
}
