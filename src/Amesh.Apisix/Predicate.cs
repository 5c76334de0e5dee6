using System.Text.Json;
using System.Text.Json.Serialization;

namespace Amesh.Apisix;

/// <summary>
/// One condition of a route's <c>vars</c>, in the syntax of lua-resty-expr: <c>[variable, operator, value]</c>,
/// <c>[variable, "!", operator, value]</c>, or <c>["OR", …]</c> and <c>["AND", …]</c> with at least two members.
/// </summary>
[JsonConverter(typeof(PredicateConverter))]
public abstract record Predicate
{
    private protected Predicate()
    {
    }

    /// <summary>The variable equals the text.</summary>
    public static Predicate Equal(string variable, string value) => new Comparison(variable, "==", new Operand(value, 0), false);

    /// <summary>The variable contains a match of the regular expression (PCRE; not anchored).</summary>
    public static Predicate Matches(string variable, string pattern, bool ignoreCase = false) =>
        new Comparison(variable, ignoreCase ? "~*" : "~~", new Operand(pattern, 0), false);

    /// <summary>The variable has a value, an empty one too: in lua-resty-expr an absent variable matches no pattern.</summary>
    public static Predicate Present(string variable) => Matches(variable, "^");

    /// <summary>The variable, as a number, compares to a bound; <paramref name="comparison"/> is <c>&gt;=</c> or <c>&lt;</c>.</summary>
    public static Predicate Compare(string variable, string comparison, long bound) => new Comparison(variable, comparison, new Operand(null, bound), false);

    /// <summary>One of the conditions holds; a single condition stands for itself.</summary>
    public static Predicate AnyOf(IReadOnlyList<Predicate> members) => members.Count == 1 ? members[0] : new Combination("OR", members);

    /// <summary>All conditions hold; a single condition stands for itself.</summary>
    public static Predicate AllOf(IReadOnlyList<Predicate> members) => members.Count == 1 ? members[0] : new Combination("AND", members);

    /// <summary>The opposite of this condition; true, too, where the variable is absent.</summary>
    public abstract Predicate Negate();

    internal abstract void Write(Utf8JsonWriter writer);

    private sealed record Comparison(string Variable, string Operator, Operand Value, bool Negated) : Predicate
    {
        public override Predicate Negate() => this with { Negated = !Negated };

        internal override void Write(Utf8JsonWriter writer)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(Variable);
            if (Negated)
            {
                writer.WriteStringValue("!");
            }

            writer.WriteStringValue(Operator);
            Value.Write(writer);
            writer.WriteEndArray();
        }
    }

    // A text, or the number where there is none: lua-resty-expr compares as numbers when the right side is one.
    private readonly record struct Operand(string? Text, long Number)
    {
        public void Write(Utf8JsonWriter writer)
        {
            if (Text is null)
            {
                writer.WriteNumberValue(Number);
            }
            else
            {
                writer.WriteStringValue(Text);
            }
        }
    }

    private sealed record Combination(string Operator, IReadOnlyList<Predicate> Members) : Predicate
    {
        // lua-resty-expr has !OR and !AND, which would leave two spellings for one thing: push the negation down instead.
        public override Predicate Negate() =>
            new Combination(Operator == "OR" ? "AND" : "OR", [.. Members.Select(m => m.Negate())]);

        internal override void Write(Utf8JsonWriter writer)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(Operator);
            foreach (Predicate member in Members)
            {
                member.Write(writer);
            }

            writer.WriteEndArray();
        }
    }
}

internal sealed class PredicateConverter : JsonConverter<Predicate>
{
    public override Predicate Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("Objects are written, never read back.");

    public override void Write(Utf8JsonWriter writer, Predicate value, JsonSerializerOptions options) => value.Write(writer);
}
