using Amesh.Apisix;
using Amesh.Translation.Routes;
using Envoy.Config.Core.V3;
using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;
using CorsPolicy = Envoy.Extensions.Filters.Http.Cors.V3.CorsPolicy;

namespace Amesh.Translation.Tests.Routes;

public class CrossOriginTests
{
    private readonly List<Diagnostic> _told = [];

    [Fact]
    public void A_policy_is_taken_as_it_is()
    {
        Cors cors = Translate(new CorsPolicy
        {
            AllowOriginStringMatch =
            {
                new StringMatcher { Exact = "https://a.example", IgnoreCase = true },
                new StringMatcher { SafeRegex = new RegexMatcher { Regex = "https://[ab]" } },
            },
            AllowMethods = "GET",
            AllowCredentials = true,
        })!;

        Assert.Equal([new StringMatch { Exact = "https://a.example", IgnoreCase = true }, new StringMatch { Regex = "^(?:https://[ab])\\z" }], cors.AllowOrigins);
        Assert.Equal(("GET", true, null), (cors.AllowMethods, cors.AllowCredentials, cors.MaxAge));
        Assert.Empty(_told);
    }

    [Theory]
    [InlineData(0, false, 0)]
    [InlineData(100, true, 0)]
    [InlineData(50, true, 1)]
    public void A_filter_that_is_off_is_none(uint percent, bool isThere, int told)
    {
        var policy = new CorsPolicy { FilterEnabled = new RuntimeFractionalPercent { DefaultValue = new FractionalPercent { Numerator = percent } } };
        Assert.Equal(isThere, Translate(policy) is not null);
        Assert.Equal(told, _told.Count);
    }

    [Fact]
    public void An_origin_that_is_no_expression_is_told_and_not_allowed()
    {
        Cors cors = Translate(new CorsPolicy { AllowOriginStringMatch = { new StringMatcher { SafeRegex = new RegexMatcher { Regex = "(" } } } })!;
        Assert.Empty(cors.AllowOrigins);
        Assert.Equal("allow_origin_string_match[0]", Assert.Single(_told).Field);
    }

    private Cors? Translate(CorsPolicy policy) => CrossOrigin.Translate(policy, new DiagnosticScope("r", _told));
}
