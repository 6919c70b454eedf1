//! Hooks on writes of products: a variant is never sold below its cost.

use generated::content::{Product, ProductVariant};
use runtime::prelude::*;

pub struct ProductHooks;

impl Hooks<Product> for ProductHooks {
    async fn before_save(&self, _: &mut Cx<'_>, _: Option<&Product>, product: &mut Product) -> Result<()> {
        for (index, variant) in product.variants.iter().enumerate() {
            if is_below_cost(variant, product.price.as_ref()) {
                let message = format!("the price of `{}` is below its cost", variant.sku);
                return Err(refuse(message, ["variants".into(), index.into(), "price".into()]));
            }
        }
        Ok(())
    }
}

/// A variant without a price has that of its product. Amounts of different currencies cannot be compared.
fn is_below_cost(variant: &ProductVariant, product_price: Option<&Money>) -> bool {
    match (variant.price.as_ref().or(product_price), &variant.cost) {
        (Some(price), Some(cost)) => price.currency == cost.currency && price.amount_minor < cost.amount_minor,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_ids_are_printed_as_people_and_the_api_write_them() {
        let money = |amount_minor, currency: &str| Money { amount_minor, currency: currency.into() }.to_string();
        assert_eq!([money(1999, "EUR"), money(-5, "EUR"), money(1000, "JPY")], ["19.99 EUR", "-0.05 EUR", "1000 JPY"]);
        let id = Product::default().id.to_string();
        assert_eq!(id, format!("product_{}", "0".repeat(26)));
    }

    fn euros(amount_minor: i64) -> Option<Money> {
        Some(Money { amount_minor, currency: "EUR".into() })
    }

    #[test]
    fn a_variant_without_a_price_has_its_products() {
        let variant = ProductVariant { cost: euros(500), ..ProductVariant::default() };
        assert!(is_below_cost(&variant, euros(499).as_ref()));
        assert!(!is_below_cost(&variant, euros(500).as_ref()));
        assert!(!is_below_cost(&variant, None));
        assert!(!is_below_cost(&ProductVariant { price: euros(600), ..variant }, euros(100).as_ref()));
    }
}
