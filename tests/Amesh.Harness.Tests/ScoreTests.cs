using Amesh.Harness.Verdicts;

namespace Amesh.Harness.Tests;

public class ScoreTests
{
    private static readonly KnownDifference Because = new("istio-traffic", "base/a", "because");

    private static readonly KnownDifferences Known = new(
    [
        new("istio-traffic", "mirror/some", "no mirrors"),
        new("istio-traffic", "*/h2c", "no HTTP/2 without TLS beside HTTP/1.1", Target: "gateway"),
    ]);

    [Theory]
    [InlineData("istio-traffic", "gateway", "mirror/some", "no mirrors")]
    [InlineData("istio-traffic", "apisix", "mirror/some", "no mirrors")]
    [InlineData("istio-traffic", "apisix", "mirror/all", null)]
    [InlineData("istio-bookinfo", "gateway", "mirror/some", null)]
    [InlineData("istio-traffic", "gateway", "any/h2c", "no HTTP/2 without TLS beside HTTP/1.1")]
    [InlineData("istio-traffic", "apisix", "any/h2c", null)]
    public void AKnownDifferenceHasItsScenarioTargetAndCase(string scenario, string target, string caseId, string? reason) =>
        Assert.Equal(reason, Known.Of(scenario, target, caseId)?.Reason);

    [Fact]
    public void ACaseThatHoldsIsPassed()
    {
        var step = new StepScore("base");
        Assert.Empty(step.Count("base/a", [], null));
        Assert.Equal((1, 0, 0), (step.Passed, step.Failed, step.Known));
    }

    [Fact]
    public void ACaseThatDiffersFailsWithOneLine()
    {
        var step = new StepScore("base");
        Assert.Equal("FAIL base/a: status: x; seconds: y", Assert.Single(step.Count("base/a", ["status: x", "seconds: y"], null)));
        Assert.Equal((0, 1, 0), (step.Passed, step.Failed, step.Known));
    }

    [Fact]
    public void AListedCaseThatDiffersIsKnown()
    {
        var step = new StepScore("base");
        Assert.Empty(step.Count("base/a", ["status: x"], Because));
        Assert.Equal((0, 0, 1), (step.Passed, step.Failed, step.Known));
    }

    [Fact]
    public void AListedCaseThatHoldsFails()
    {
        var step = new StepScore("base");
        Assert.Equal("FAIL base/a: listed but passes", Assert.Single(step.Count("base/a", [], Because)));
        Assert.Equal((0, 1, 0), (step.Passed, step.Failed, step.Known));
    }

    [Fact]
    public void APatternMayMatchCasesThatHold()
    {
        var step = new StepScore("base");
        Assert.Empty(step.Count("base/a", [], Because with { Case = "base/*" }));
        Assert.Equal((1, 0, 0), (step.Passed, step.Failed, step.Known));
    }

    [Theory]
    [InlineData("*/unlisted-*", "base/unlisted-tcp", true)]
    [InlineData("*/unlisted-*", "base/listed-tcp", false)]
    [InlineData("base/*", "base/a", true)]
    [InlineData("base/*", "base-2/a", false)]
    public void APatternStandsForAnyTextInEitherHalf(string pattern, string caseId, bool matches) => Assert.Equal(matches, (Because with { Case = pattern }).Matches(caseId));

    [Fact]
    public void TheProxyIsCalledOnAddressesThatAreNobodyElses()
    {
        var kuma = VerdictFile.Read(Path.Combine(Repository.Verdicts, "kuma-bookinfo.json"));
        Assert.Contains("127.0.0.1:20002", kuma.ProxyAddresses(["127.0.2.1:9080"]));
        Assert.Empty(VerdictFile.Read(Path.Combine(Repository.Verdicts, "istio-bookinfo.json")).ProxyAddresses([]));
        Assert.Contains("127.0.20.1:8443", VerdictFile.Read(Path.Combine(Repository.Verdicts, "istio-gateway.json")).ProxyAddresses(["127.0.20.1:8443"]));
    }
}
