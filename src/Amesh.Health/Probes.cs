namespace Amesh.Health;

/// <summary>Asks one endpoint. Whatever it throws is no answer. Asked by one thread at a time.</summary>
internal interface IProbe : IDisposable
{
    /// <summary>How TLS is spoken, for the next connection.</summary>
    HealthTls? Tls { get; set; }

    /// <summary>Asks once.</summary>
    Task<(CheckResult Result, string Reason)> AskAsync(CancellationToken ct);

    /// <summary>Closes what is open.</summary>
    void Reset();
}

/// <summary>The kinds of probes.</summary>
internal static class Probes
{
    public static IProbe For(HealthTarget target) => target.Check.Question switch
    {
        HttpQuestion question => new HttpProbe(target, question),
        GrpcQuestion question => new GrpcProbe(target, question),
        TcpQuestion question => new TcpProbe(target, question),
        _ => throw new NotSupportedException(target.Check.Question.GetType().Name),
    };
}
