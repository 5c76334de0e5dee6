namespace Amesh.Apisix;

/// <summary>A comparison with a name in a certificate.</summary>
public sealed record SanMatch : StringMatch
{
    /// <summary>With names of a type.</summary>
    public SanMatch(string type) => Type = type;

    /// <summary>With names of a type, as a text is compared.</summary>
    public SanMatch(string type, StringMatch match)
        : base(match) => Type = type;

    /// <summary>Which names: <c>uri</c>, <c>dns</c>, <c>email</c>, <c>ip</c> or <c>any</c>.</summary>
    public string Type { get; }
}
